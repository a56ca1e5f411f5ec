#pragma once

namespace planted {

struct Shape {
    virtual ~Shape() {} // finds modernize-use-equals-default
    virtual int corners() const { return 0; }
};

template <class T> int count(const T& list) {
    int n = 0;
    for (auto item : list) { // finds performance-for-range-copy
        n += item.empty() ? 0 : 1;
    }
    return n;
}

} // namespace planted
