#include "attempt_limit.hpp"

#include <algorithm>
#include <netinet/in.h>

namespace demos {

using namespace pollux;

namespace {

constexpr std::size_t most_places = 4096;

std::string bytes_at(const void* begin, std::size_t size) {
    return {static_cast<const char*>(begin), size};
}

} // namespace

std::string AttemptLimit::place(const Address& address) {
    if (address.family() == AF_INET) {
        const auto& ip = *reinterpret_cast<const sockaddr_in*>(address.data());
        return bytes_at(&ip.sin_addr, sizeof ip.sin_addr);
    }
    if (address.family() == AF_INET6) {
        const auto& ip = *reinterpret_cast<const sockaddr_in6*>(address.data());
        const bool is_ipv4 = IN6_IS_ADDR_V4MAPPED(&ip.sin6_addr);
        return bytes_at(&ip.sin6_addr, is_ipv4 ? sizeof ip.sin6_addr : sizeof ip.sin6_addr / 2);
    }
    return {};
}

bool AttemptLimit::take(const std::string& place, Clock::time_point now) {
    auto window = windows_.find(place);
    if (window == windows_.end()) {
        make_room(now);
        window = windows_.emplace(place, Window{now}).first;
    }
    if (now - window->second.begin >= per_) window->second = Window{now};
    if (window->second.count >= attempts_) return false;
    ++window->second.count;
    return true;
}

void AttemptLimit::give_back(const std::string& place) {
    const auto window = windows_.find(place);
    if (window != windows_.end() && window->second.count > 0) --window->second.count;
}

// Whoever has very many addresses can make it forget the oldest, but not make it grow.
void AttemptLimit::make_room(Clock::time_point now) {
    if (windows_.size() < most_places) return;
    std::erase_if(windows_, [&](const auto& entry) { return now - entry.second.begin >= per_; });
    if (windows_.size() < most_places) return;
    windows_.erase(
        std::min_element(windows_.begin(), windows_.end(), [](const auto& a, const auto& b) {
            return a.second.begin < b.second.begin;
        }));
}

} // namespace demos
