// A loop on each processor, and each client stays with one of them. It is the reactor as often as
// the machine can run it: thousands of clients, all processors, and still no lock within a
// conversation. What clients of different loops share needs one.

#include <algorithm>
#include <atomic>
#include <new>
#include <optional>
#include <pollux/loop_pool.hpp>
#include <utility>
#include <vector>

#include "last_call.hpp"
#include "pool_failure.hpp"
#include "service/arrivals.hpp"
#include "service/connections.hpp"
#include "service/models.hpp"

namespace pollux {
namespace {

/// One loop's clients. All but `load` belongs to the loop's thread.
struct Share {
    std::atomic<std::size_t> load{0}; // those on their way to it included
    std::optional<SessionsOnLoop> sessions;
};

/// Hands each client to the loop that has the fewest, and tells the loop that accepts when there is
/// room again.
class Shares {
public:
    Shares(Service& service, LoopPool& pool)
        : service_{service}, pool_{pool}, all_(pool.size()), last_calls_{last_calls(pool)} {}
    ~Shares() {
        for (std::size_t place = 0; place < all_.size(); ++place)
            last_calls_[place].make([this, place] { all_[place].sessions.reset(); });
    }
    Shares(const Shares&) = delete;
    Shares& operator=(const Shares&) = delete;

    void begin() {
        for (std::size_t place = 0; place < all_.size(); ++place)
            pool_.call(place, [&](EventLoop& loop) {
                all_[place].sessions.emplace(service_, loop, [this, place] { gone(place); });
            });
    }

    std::size_t size() const noexcept { return clients_; }

    void adopt(Socket client) {
        const auto fewer = [](const Share& one, const Share& other) {
            return one.load < other.load;
        };
        const auto share = std::min_element(all_.begin(), all_.end(), fewer);
        ++share->load;
        ++clients_;
        const auto place = static_cast<std::size_t>(share - all_.begin());
        try {
            pool_.loop(place).post([share, taken = std::move(client)]() mutable {
                share->sessions->adopt(std::move(taken));
            });
        } catch (const std::bad_alloc&) { // of this client alone
            service_.count_shed();
            gone(place);
        }
    }

    // Posted: a session that blocks one loop keeps nobody waiting on the others.
    void end() {
        for (std::size_t place = 0; place < all_.size(); ++place)
            pool_.loop(place).post([this, place] { all_[place].sessions->end(); });
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
    std::vector<LastCall> last_calls_;
};

void serve_connections(Service& service, LoopPool& pool, const std::atomic<bool>& failed) {
    Shares shares{service, pool};
    shares.begin();
    {
        Arrivals arrivals{service};
        const auto has_room = [&] { return shares.size() < service.options().max_clients; };
        while (Socket client = arrivals.next_client(has_room)) shares.adopt(std::move(client));
    }
    shares.end();
    service.run_until([&] { return failed || shares.size() == 0; }, service.stop().due());
}

/// The datagrams, received on all loops.
class Receivers {
public:
    Receivers(Service& service, LoopPool& pool)
        : service_{service}, pool_{pool}, all_(pool.size()), last_calls_{last_calls(pool)} {}
    ~Receivers() {
        for (std::size_t place = 0; place < all_.size(); ++place)
            last_calls_[place].make([this, place] { all_[place].sessions.reset(); });
    }
    Receivers(const Receivers&) = delete;
    Receivers& operator=(const Receivers&) = delete;

    void begin() {
        for (std::size_t place = 0; place < all_.size(); ++place)
            pool_.call(place, [&](EventLoop& loop) { begin_one(all_[place], loop, place == 0); });
    }

private:
    struct One {
        Socket
            own; // of UDP but for the first: the kernel chooses among them by the sender's address
        std::optional<DatagramSessions> sessions;
    };

    // A Unix socket cannot be had twice: all loops watch the one, and the kernel wakes one of them.
    void begin_one(One& one, EventLoop& loop, bool is_first) {
        const bool shares = service_.address().family() == AF_UNIX;
        if (!shares && !is_first) one.own = service_.bound_again();
        Socket& socket = one.own ? one.own : service_.socket();
        const Trigger trigger = shares && loop.supports(Trigger::exclusive)
                                    ? Trigger::exclusive
                                    : service_.options().trigger;
        one.sessions.emplace(service_, loop, socket, trigger);
    }

    Service& service_;
    LoopPool& pool_;
    std::vector<One> all_;
    std::vector<LastCall> last_calls_;
};

void serve_all_datagrams(Service& service, LoopPool& pool) {
    Receivers receivers{service, pool};
    receivers.begin();
    service.run_until([&] { return service.stop().requested(); });
}

} // namespace

void serve_multi(Service& service) {
    std::atomic<bool> failed{false}; // a loop could not wait: nobody is served any more
    LoopPool pool{{.loops = service.threads(),
                   .backend = service.options().backend,
                   .loop = service.options().loop}};
    tell_failure(pool, [&] {
        failed = true;
        service.shutdown();
    });
    if (service.datagrams())
        serve_all_datagrams(service, pool);
    else
        serve_connections(service, pool, failed);
    if (failed) pool.wait(); // throws what it was
}

} // namespace pollux
