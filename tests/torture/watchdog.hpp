#pragma once

#include <string>

namespace pollux_test {

/// Says what was being run when the program hangs (for a minute) or crashes while this object
/// lives.
class Watched {
public:
    explicit Watched(const std::string& plan_and_test);
    ~Watched();
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;
};

} // namespace pollux_test
