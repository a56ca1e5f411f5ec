#include <pollux/stream/host_connector.hpp>

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>
#include <vector>

namespace pollux {
namespace {

// The families by turns, the first address's first; each in its own order.
std::vector<Address> by_turns(std::vector<Address> addresses) {
    const auto is_first_family = [family = addresses.front().family()](const Address& address) {
        return address.family() == family;
    };
    const auto others = std::stable_partition(addresses.begin(), addresses.end(), is_first_family);
    std::vector<Address> result;
    result.reserve(addresses.size());
    auto first = addresses.begin();
    auto second = others;
    while (first != others || second != addresses.end()) {
        if (first != others) result.push_back(*first++);
        if (second != addresses.end()) result.push_back(*second++);
    }
    return result;
}

// Only that this machine has no such address or way: nothing about the host.
bool says_little(std::error_code error) {
    return error == std::errc::network_unreachable || error == std::errc::address_not_available ||
           error == std::errc::address_family_not_supported;
}

} // namespace

struct HostConnector::Race {
    Race(EventLoop& on, Resolver& resolver, std::string_view host, std::string_view service,
         Clock::duration total_timeout, const HostConnectorOptions& options,
         Connector::Completion done)
        : loop{on},
          attempt_delay{options.attempt_delay},
          on_done{std::move(done)},
          deadline{loop.run_after(
              total_timeout, [this] { finish({}, std::make_error_code(std::errc::timed_out)); })},
          query{resolver.resolve(host, service, {.family = options.family},
                                 [this](std::vector<Address> found, std::error_code failed) {
                                     begin(std::move(found), failed);
                                 })} {}

    void begin(std::vector<Address> found, std::error_code failed) {
        if (failed) return finish({}, failed);
        try {
            addresses = by_turns(std::move(found));
            attempts.reserve(addresses.size());
            next = loop.run_after({}, [this] { attempt(); });
        } catch (const std::bad_alloc&) {
            finish({}, std::make_error_code(std::errc::not_enough_memory));
        }
    }

    // Their own deadlines are of no use: one is for all.
    void attempt() {
        const Address& address = addresses[attempts.size()];
        try {
            attempts.emplace_back(loop, address, Clock::duration::max(),
                                  [this](Socket socket, std::error_code failed) {
                                      if (failed)
                                          lose(failed);
                                      else
                                          finish(std::move(socket), failed);
                                  });
        } catch (const std::bad_alloc&) {
            return finish({}, std::make_error_code(std::errc::not_enough_memory));
        }
        if (attempts.size() < addresses.size()) next.run_after(attempt_delay);
    }

    void lose(std::error_code failed) {
        ++lost;
        if (!error || !says_little(failed)) error = failed;
        if (lost == addresses.size()) return finish({}, error);
        if (attempts.size() < addresses.size()) next.run_after({});
    }

    // The completion may destroy this object: what it needs goes to the stack first.
    void finish(Socket socket, std::error_code failed) {
        Connector::Completion done = std::move(on_done);
        deadline.cancel();
        next.cancel();
        query = {};
        attempts.clear();
        done(std::move(socket), failed);
    }

    EventLoop& loop;
    Clock::duration attempt_delay;
    Connector::Completion on_done;
    std::vector<Address> addresses;  // in the order to try them
    std::vector<Connector> attempts; // that have begun: the first so many addresses
    std::size_t lost = 0;
    std::error_code error; // the most telling
    Timer next;
    Timer deadline;
    Resolver::Query query;
};

HostConnector::HostConnector(EventLoop& loop, Resolver& resolver, std::string_view host,
                             std::string_view service, Clock::duration total_timeout,
                             const HostConnectorOptions& options, Connector::Completion on_done)
    : race_{std::make_unique<Race>(loop, resolver, host, service, total_timeout, options,
                                   std::move(on_done))} {}
HostConnector::~HostConnector() = default;
HostConnector::HostConnector(HostConnector&&) noexcept = default;
HostConnector& HostConnector::operator=(HostConnector&&) noexcept = default;

} // namespace pollux
