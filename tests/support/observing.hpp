#pragma once

// What the cases at the seam ask of a reactor, of the library and of the kernel.

#include <chrono>
#include <cstdint>
#include <functional>
#include <pollux/backend.hpp>
#include <pollux/instruments/call_hook.hpp>
#include <pollux/instruments/calls.hpp>
#include <pollux/reactor.hpp>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

namespace pollux_test {

/// A batch in words, sorted by token: "1:readable 2:writable|error"; "" when nothing is ready.
std::string described(std::span<const pollux::Event> batch);
/// What the reactor reports now, without waiting.
std::string look(pollux::Reactor& reactor);
/// The tokens of a batch, sorted.
std::vector<std::uint64_t> tokens(std::span<const pollux::Event> batch);

/// The errno value of the `std::system_error` that `act` throws; 0 when it returns.
template <class Act> int error_of(Act act) {
    try {
        act();
    } catch (const std::system_error& error) {
        return error.code().value();
    }
    return 0;
}

/// The system calls the library makes from now on.
class CallRecord {
public:
    /// "epoll_wait*2 read*1", sorted by name; "" when none was made.
    std::string made() const;

private:
    std::vector<pollux::CallCount> before_ = pollux::call_counts();
};

/// For a `CallHook`: the first `times` calls of that name fail with `error`, by default all.
pollux::CallHook::Function failing(std::string_view call, int error,
                                   std::uint64_t times = ~std::uint64_t{0});

/// The system call that a wait on this facility makes, "ppoll", where it is to look at once.
std::string_view wait_call(pollux::Backend backend);

/// The library's monotonic clock: the one a `FakeClock` holds.
std::chrono::nanoseconds library_now();

/// Acts from another thread, once, as soon as the thread that made this sleeps in one of the
/// waiting system calls.
class OnceAsleep {
public:
    explicit OnceAsleep(std::function<void()> act);

private:
    std::jthread watcher_;
};

} // namespace pollux_test
