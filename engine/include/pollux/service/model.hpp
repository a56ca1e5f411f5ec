#pragma once

#include <cstdint>
#include <string_view>

namespace pollux {

/// How a `SocketServer` has many clients at once, or does not. The source of each is one short file
/// of engine/src/service/ that opens with what the model is and costs.
enum class Model : std::uint8_t {
    iterative, ///< One client after the other.
    threads,   ///< A thread for each client.
    pool,      ///< A fixed number of threads; each serves one client at a time.
    fork,      ///< A process for each client.
    reactor,   ///< All clients on one `EventLoop`.
    multi,     ///< A `LoopPool`: each client on one of several loops.
    coroutine, ///< All clients on one loop, each in a `coro::Task`.
};

/// "iterative", "threads", …
std::string_view to_string(Model model) noexcept;
/// The model of that name. Throws `std::invalid_argument` that lists the names.
Model parse_model(std::string_view name);

} // namespace pollux
