#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace pollux_test {

/// Whether broken promises are asserts in this build.
#ifdef NDEBUG
inline constexpr bool is_debug = false;
#else
inline constexpr bool is_debug = true;
#endif

/// What a child may find wanting: the words are part of what it `said`.
using Expect = std::function<void(bool held, std::string_view what)>;

/// How a forked child ended.
struct ChildEnd {
    int exit_code;    ///< 0: the body returned, and all it expected held. -1: a signal ended it.
    int signal;       ///< That ended it; 0: none.
    std::string said; ///< What it wrote to stderr.
};

/// Runs `body` in a forked child, for at most twenty seconds, and waits for its end. The child ends
/// by _exit: no destructor of the parent's objects runs in it.
ChildEnd in_child(const std::function<void(const Expect&)>& body);

/// The same, where everything is to hold: fails the running test case otherwise.
void holds_in_child(const std::function<void(const Expect&)>& body);

} // namespace pollux_test
