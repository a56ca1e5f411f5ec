#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace pollux {

/// How often this process made one kind of system call through the library.
struct CallCount {
    std::string_view name;     ///< As in the manual: "epoll_wait", "accept4".
    std::uint64_t made;        ///< All of them, failed ones included.
    std::uint64_t would_block; ///< Those that answered EAGAIN.
};

/// The calls made so far, by kind, of all threads; kinds never used are left out. Empty in the
/// library `pollux`, which counts nothing: link `pollux_hooked` to count.
std::vector<CallCount> call_counts();

} // namespace pollux
