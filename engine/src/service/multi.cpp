// A loop on each processor, and each client stays with one of them. It is the reactor as often as
// the machine can run it: thousands of clients, all processors, and still no lock within a
// conversation. What clients of different loops share needs one.

#include <algorithm>
#include <atomic>
#include <optional>
#include <pollux/loop_pool.hpp>
#include <system_error>
#include <utility>
#include <vector>

#include "service/arrivals.hpp"
#include "service/connections.hpp"
#include "service/models.hpp"

namespace pollux {
namespace {

// What lives on a loop is destroyed by its thread, or by any when that has ended.
template <class Act> void on_its_thread(LoopPool& pool, std::size_t place, Act act) {
    try {
        pool.call(place, [&](EventLoop&) { act(); });
    } catch (const std::system_error&) {
        act();
    }
}

/// One loop's clients. All but `load` belongs to the loop's thread.
struct Share {
    std::atomic<std::size_t> load{0}; // those on their way to it included
    std::optional<SessionsOnLoop> sessions;
};

/// Hands each client to the loop that has the fewest, and tells the loop that accepts when there is
/// room again.
class Shares {
public:
    Shares(Service& service, LoopPool& pool) : service_{service}, pool_{pool}, all_(pool.size()) {
        for (std::size_t place = 0; place < all_.size(); ++place)
            pool_.call(place, [&](EventLoop& loop) {
                all_[place].sessions.emplace(service_, loop, [this, place] { gone(place); });
            });
    }
    ~Shares() {
        for (std::size_t place = 0; place < all_.size(); ++place)
            on_its_thread(pool_, place, [&] { all_[place].sessions.reset(); });
    }
    Shares(const Shares&) = delete;
    Shares& operator=(const Shares&) = delete;

    std::size_t size() const noexcept { return clients_; }

    void adopt(Socket client) {
        const auto fewer = [](const Share& one, const Share& other) {
            return one.load < other.load;
        };
        const auto share = std::min_element(all_.begin(), all_.end(), fewer);
        ++share->load;
        ++clients_;
        pool_.loop(static_cast<std::size_t>(share - all_.begin()))
            .post([share, taken = std::move(client)]() mutable {
                share->sessions->adopt(std::move(taken));
            });
    }

    void end() {
        for (std::size_t place = 0; place < all_.size(); ++place)
            pool_.call(place, [&](EventLoop&) { all_[place].sessions->end(); });
    }

private:
    void gone(std::size_t place) noexcept {
        --all_[place].load;
        const std::size_t before = clients_--;
        if (before == 1 || before == service_.options().max_clients) service_.loop().wake();
    }

    Service& service_;
    LoopPool& pool_;
    std::atomic<std::size_t> clients_{0};
    std::vector<Share> all_;
};

void serve_connections(Service& service, LoopPool& pool) {
    Shares shares{service, pool};
    {
        Arrivals arrivals{service};
        const auto has_room = [&] { return shares.size() < service.options().max_clients; };
        while (Socket client = arrivals.next_client(has_room)) shares.adopt(std::move(client));
    }
    shares.end();
    service.run_until([&] { return shares.size() == 0; }, service.stop().due());
}

/// The datagrams of one loop.
struct Receiver {
    Socket own; // of UDP but for the first: the kernel chooses among them by the sender's address
    std::optional<DatagramSessions> sessions;
};

// A Unix socket cannot be had twice: all loops watch the one, and the kernel wakes one of them.
void receive(Service& service, Receiver& receiver, EventLoop& loop, bool is_first) {
    const bool shares = service.address().family() == AF_UNIX;
    if (!shares && !is_first) receiver.own = service.bound_again();
    Socket& socket = receiver.own ? receiver.own : service.socket();
    const Trigger trigger = shares && loop.supports(Trigger::exclusive) ? Trigger::exclusive
                                                                        : service.options().trigger;
    receiver.sessions.emplace(service, loop, socket, trigger);
}

void serve_all_datagrams(Service& service, LoopPool& pool) {
    std::vector<Receiver> receivers(pool.size());
    for (std::size_t place = 0; place < pool.size(); ++place)
        pool.call(place,
                  [&](EventLoop& loop) { receive(service, receivers[place], loop, place == 0); });
    service.run_until([&] { return service.stop().requested(); });
    for (std::size_t place = 0; place < pool.size(); ++place)
        on_its_thread(pool, place, [&] { receivers[place].sessions.reset(); });
}

} // namespace

void serve_multi(Service& service) {
    LoopPool pool{{.loops = service.threads(), .backend = service.options().backend}};
    if (service.datagrams())
        serve_all_datagrams(service, pool);
    else
        serve_connections(service, pool);
}

} // namespace pollux
