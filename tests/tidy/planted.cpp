// What clang-tidy must find, wherever it stands: in a function, a header, a template, a macro,
// across calls. Each line says what is found in it. No part of the build.

#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "planted.hpp"

#define PLANTED_AT_LEAST_0(x) ((x) > 0 ? (x) : 0)

namespace planted {

using std::pair; // finds misc-unused-using-decls

struct Square : Shape {
    virtual int corners() const { return 4; } // finds modernize-use-override
};

class Named {
public:
    Named(const std::string& given) : name_(given) {} // finds modernize-pass-by-value
    Named(Named&& other)                              // finds performance-noexcept-move-constructor
        : name_(other.name_),                         // finds performance-move-constructor-init
          age(other.age) {}
    int Age() const { return age; } // finds readability-identifier-naming

private:
    std::string name_;
    int age = 0; // finds readability-identifier-naming
};

int after_move(std::string text) {
    const std::string taken = std::move(text);
    return text == taken ? 1 : 0; // finds bugprone-use-after-move
}

int never_changed(int given) {
    int twice = 2 * given; // finds misc-const-correctness
    return twice;
}

int* nothing() {
    return 0; // finds modernize-use-nullptr
}

int null_on_one_path(bool yes) {
    int one = 1;
    int* const where = yes ? &one : nullptr;
    one = 2;
    return *where; // finds clang-analyzer-core.NullDereference
}

void lost() {
    int* const kept = new int{1};
    if (*kept == 2) {
        delete kept;
    }
} // finds clang-analyzer-cplusplus.NewDeleteLeaks

bool twice(bool yes) {
    if (yes) { // finds bugprone-branch-clone
        return nothing() != nullptr;
    } else {
        return nothing() != nullptr;
    }
}

int in_macro(int n) {
    return PLANTED_AT_LEAST_0(n++); // finds bugprone-macro-repeated-side-effects
}

bool nobody_there(const std::vector<int>& list) {
    return list.size() == 0; // finds readability-container-size-empty
}

int by_value(const std::vector<int> list) { // finds performance-unnecessary-value-param
    return list.at(0);
}

int forever(int n) {
    int tries = 0;
    while (n > 0) { // finds bugprone-infinite-loop
        ++tries;
    }
    return tries;
}

unsigned long size_of_text(const std::string& text) {
    return sizeof(text); // finds bugprone-sizeof-container
}

void grow(std::vector<Named>& all, const std::string& name) {
    all.push_back(Named(name)); // finds modernize-use-emplace
}

int counted(const std::vector<std::string>& words) { return count(words); }

} // namespace planted
