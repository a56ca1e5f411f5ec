#include "observing.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <pollux/clock.hpp>
#include <stop_token>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

namespace pollux_test {
namespace {

// The first word of /proc/self/task/<id>/syscall: the number of the call a thread sleeps in,
// "running" otherwise.
bool sleeps_in_a_wait(const std::string& path) {
    std::ifstream file{path};
    std::string word;
    file >> word;
    for (const long number : {
#ifdef SYS_epoll_wait
             long{SYS_epoll_wait},
#endif
             long{SYS_epoll_pwait}, long{SYS_epoll_pwait2}, long{SYS_ppoll}, long{SYS_pselect6},
             long{SYS_io_uring_enter}})
        if (word == std::to_string(number)) return true;
    return false;
}

} // namespace

std::string described(std::span<const pollux::Event> batch) {
    std::vector<pollux::Event> events{batch.begin(), batch.end()};
    std::ranges::sort(events, {}, &pollux::Event::token);
    std::string text;
    for (const pollux::Event& event : events) {
        if (!text.empty()) text += ' ';
        text += std::to_string(static_cast<std::uint64_t>(event.token));
        text += ':';
        text += to_string(event.ready);
    }
    return text;
}

std::string_view wait_call(pollux::Backend backend) {
    switch (backend) {
    case pollux::Backend::select:
        return "pselect";
    case pollux::Backend::poll:
        return "ppoll";
    case pollux::Backend::epoll:
    case pollux::Backend::adaptive:
        return "epoll_wait";
    case pollux::Backend::io_uring:
        return "io_uring_enter";
    }
    return "";
}

std::string look(pollux::Reactor& reactor) {
    return described(reactor.wait(pollux::Timeout::zero()));
}

std::vector<std::uint64_t> tokens(std::span<const pollux::Event> batch) {
    std::vector<std::uint64_t> found;
    found.reserve(batch.size());
    for (const pollux::Event& event : batch)
        found.push_back(static_cast<std::uint64_t>(event.token));
    std::ranges::sort(found);
    return found;
}

std::string CallRecord::made() const {
    std::vector<std::string> words;
    for (const pollux::CallCount& now : pollux::call_counts()) {
        const auto then = std::ranges::find(before_, now.name, &pollux::CallCount::name);
        const std::uint64_t count = now.made - (then == before_.end() ? 0 : then->made);
        if (count > 0) words.push_back(std::string{now.name} + "*" + std::to_string(count));
    }
    std::ranges::sort(words);
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
    return text;
}

pollux::CallHook::Function failing(std::string_view call, int error, std::uint64_t times) {
    return [call = std::string{call}, error, times](const pollux::CallPoint& point) {
        pollux::CallOutcome outcome;
        if (point.name == call && point.nth <= times) outcome.error = error;
        return outcome;
    };
}

std::chrono::nanoseconds library_now() { return pollux::Clock::now().time_since_epoch(); }

OnceAsleep::OnceAsleep(std::function<void()> act)
    : watcher_{[path = "/proc/self/task/" + std::to_string(::gettid()) + "/syscall",
                act = std::move(act)](const std::stop_token& stop) {
          REQUIRE(std::ifstream{path}.is_open());
          while (!stop.stop_requested()) {
              if (sleeps_in_a_wait(path)) return act();
              std::this_thread::yield();
          }
      }} {}

} // namespace pollux_test
