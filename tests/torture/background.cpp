#include "torture/background.hpp"

#include <algorithm>
#include <cstdint>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace pollux_test {

namespace {

// What nobody tells of: that there is room again for what a client has to send.
constexpr int look_again = 20; // ms

} // namespace

Background::Background(Trial& trial, std::function<void()> work)
    : ended_{::eventfd(0, EFD_CLOEXEC)},
      thread_{[this, &trial, begin = std::move(work), ended = ended_.get()] {
          try {
              begin();
          } catch (const std::exception& error) {
              trial.report(error.what());
              threw_ = true;
          }
          const std::uint64_t one = 1;
          static_cast<void>(!::write(ended, &one, sizeof one));
      }} {}

bool Background::join() {
    if (thread_.joinable()) thread_.join();
    return !threw_;
}

bool Background::is_over(std::chrono::milliseconds within) const {
    pollfd entry{ended_.get(), POLLIN, 0};
    return ::poll(&entry, 1, static_cast<int>(within.count())) == 1;
}

bool Background::serves(std::initializer_list<PlainClient*> clients) const {
    const auto step = [](PlainClient* each) {
        each->step();
        return each->over();
    };
    while (std::ranges::count_if(clients, step) < std::ssize(clients)) {
        std::vector<pollfd> entries{{ended_.get(), POLLIN, 0}};
        for (const PlainClient* each : clients) entries.push_back({each->fd(), POLLIN, 0});
        ::poll(entries.data(), entries.size(), look_again);
        if (entries.front().revents != 0) break;
    }
    return std::ranges::all_of(clients, [](const PlainClient* each) { return each->served(); });
}

} // namespace pollux_test
