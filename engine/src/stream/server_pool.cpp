#include <pollux/stream/server_pool.hpp>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <memory>
#include <mutex>
#include <pollux/error.hpp>
#include <stdexcept>
#include <utility>

#include "last_call.hpp"
#include "process_mark.hpp"
#include "stream/acceptor.hpp"
#include "stream/server_core.hpp"
#include "sys.hpp"

namespace pollux {
namespace {

using Sockets = std::vector<Socket>; // one for each address

Sockets listen_at_all(std::span<const Address> addresses, const ListenOptions& options) {
    Sockets sockets;
    for (const Address& address : addresses)
        sockets.push_back(listen_for_clients(address, options));
    return sockets;
}

// The same listening sockets once more: they stay open until the last of them is closed.
Sockets duplicates(const Sockets& of) {
    Sockets sockets;
    for (const Socket& socket : of)
        sockets.push_back(Socket::adopt(
            Fd{check(sys::fcntl(socket.fd(), F_DUPFD_CLOEXEC, 0), "fcntl F_DUPFD_CLOEXEC")}));
    return sockets;
}

bool is_ip(const Address& address) noexcept {
    return address.family() == AF_INET || address.family() == AF_INET6;
}

void add(ConnectionStats& sum, const ConnectionStats& more) noexcept {
    sum.opened += more.opened;
    sum.received += more.received;
    sum.sent += more.sent;
    for (std::size_t reason = 0; reason < close_reasons; ++reason)
        sum.closed[reason] += more.closed[reason];
}

// A drain, of which each loop does its part.
struct Drain {
    std::atomic<std::size_t> left;
    Task on_done;

    void one_is_done() {
        if (left.fetch_sub(1) == 1 && on_done) on_done();
    }
};

} // namespace

struct ServerPool::State : std::enable_shared_from_this<ServerPool::State> {
    State(LoopPool& on, const ServerPoolOptions& how)
        : pool{on},
          options{how},
          members(on.size()),
          last_calls{pollux::last_calls(on)},
          last_of_acceptor{on, 0} {
        for (std::size_t place = 0; place < pool.size(); ++place)
            if (pool.runs_here(place))
                throw std::logic_error{"ServerPool: made on a thread of its pool"};
        if (options.spread == Spread::reuse_port) options.server.listen.reuse_port = true;
    }

    void start(std::span<const Address> wanted, MakeHandlers& make_handlers);
    std::vector<Sockets> listen(std::span<const Address> wanted);
    void make_core(std::size_t place, MakeHandlers& make_handlers);
    void accept_from(std::size_t place, Sockets& listening);
    PoolMember& member(std::size_t place) noexcept {
        assert(place < members.size());
        return members[place];
    }
    bool has_acceptor() const noexcept {
        return options.spread == Spread::round_robin || options.spread == Spread::least_connections;
    }
    void begin_draining(Clock::duration timeout, const std::shared_ptr<Drain>& drain);
    void end() noexcept;

    // On the loop's thread, or here when that has ended.
    template <class Work> void with(std::size_t place, Work work) {
        const bool done = pool.await(place, [&work](EventLoop&, Task called) {
            work();
            called();
        });
        if (!done) work();
    }

    LoopPool& pool;
    ServerPoolOptions options;
    std::vector<PoolMember> members;
    std::vector<LastCall> last_calls;
    LastCall last_of_acceptor;
    std::shared_ptr<Acceptor> acceptor; // of the first loop's thread; may be null
    std::vector<Address> addresses;
    ProcessMark process;
    std::shared_ptr<State> kept; // in a child
};

// All listen, or nobody is served.
void ServerPool::State::start(std::span<const Address> wanted, MakeHandlers& make_handlers) {
    std::vector<Sockets> listening = listen(wanted);
    for (std::size_t place = 0; place < members.size(); ++place) make_core(place, make_handlers);
    for (std::size_t place = 0; place < members.size(); ++place)
        accept_from(place, listening[place]);
}

// The sockets of each loop; those of an acceptor are the first loop's.
std::vector<Sockets> ServerPool::State::listen(std::span<const Address> wanted) {
    if (wanted.empty()) throw std::invalid_argument{"ServerPool: no address to listen at"};
    if (options.spread == Spread::reuse_port && !std::ranges::all_of(wanted, is_ip))
        throw std::invalid_argument{"ServerPool: only IP addresses can be shared (reuse_port)"};
    std::vector<Sockets> listening(members.size());
    listening[0] = listen_at_all(wanted, options.server.listen);
    for (const Socket& socket : listening[0]) addresses.push_back(socket.local());
    for (std::size_t place = 1; place < members.size(); ++place)
        if (options.spread == Spread::reuse_port)
            listening[place] = listen_at_all(addresses, options.server.listen);
        else if (options.spread == Spread::exclusive)
            listening[place] = duplicates(listening[0]);
    return listening;
}

void ServerPool::State::make_core(std::size_t place, MakeHandlers& make_handlers) {
    PoolMember& member = members[place];
    pool.call(place, [&](EventLoop& loop) {
        member.core =
            std::make_shared<ServerCore>(loop, make_handlers(place, loop), options.server);
        member.core->on_count = [this, &member](std::size_t more) {
            member.load += more;
            if (acceptor != nullptr) acceptor->load_changed();
        };
    });
}

void ServerPool::State::accept_from(std::size_t place, Sockets& listening) {
    PoolMember& member = members[place];
    const auto take = [&member](Socket accepted) {
        ++member.load;
        member.core->take(std::move(accepted));
    };
    const Trigger trigger = options.spread == Spread::exclusive ? Trigger::exclusive
                                                                : options.server.connection.trigger;
    pool.call(place, [&](EventLoop&) {
        for (Socket& socket : listening)
            if (acceptor != nullptr)
                acceptor->listen(std::move(socket));
            else
                member.core->listen(std::move(socket), trigger, take);
    });
}

// After the acceptor has stopped: what it handed over is on its way, in front of these tasks.
void ServerPool::State::begin_draining(Clock::duration timeout,
                                       const std::shared_ptr<Drain>& drain) {
    if (acceptor != nullptr) acceptor->stop();
    for (std::size_t place = 0; place < members.size(); ++place)
        pool.loop(place).post([core = members[place].core, timeout, drain] {
            core->drain(timeout, [drain] { drain->one_is_done(); });
        });
}

void ServerPool::State::end() noexcept {
    if (acceptor != nullptr) last_of_acceptor.make([this] { acceptor->close(); });
    for (std::size_t place = 0; place < members.size(); ++place)
        last_calls[place].make([core = members[place].core] {
            if (core != nullptr) core->end();
        });
}

ServerPool::ServerPool(LoopPool& pool, const Address& address, MakeHandlers make_handlers,
                       ServerPoolOptions options)
    : ServerPool{pool, std::span{&address, 1}, std::move(make_handlers), options} {}

ServerPool::ServerPool(LoopPool& pool, std::span<const Address> addresses,
                       MakeHandlers make_handlers, ServerPoolOptions options)
    : state_{std::make_shared<State>(pool, options)} {
    if (state_->has_acceptor())
        state_->acceptor = std::make_shared<Acceptor>(pool, state_->members, state_->options);
    try {
        state_->start(addresses, make_handlers);
    } catch (...) {
        state_->end();
        throw;
    }
}

ServerPool::~ServerPool() {
    if (state_->process.is_current())
        state_->end();
    else
        state_->kept = state_; // what is on the parent's loops is left alone
}

const Address& ServerPool::address() const noexcept { return state_->addresses.front(); }
const std::vector<Address>& ServerPool::addresses() const noexcept { return state_->addresses; }

ConnectionSet& ServerPool::connections(std::size_t place) noexcept {
    return *state_->member(place).core->connections;
}

std::size_t ServerPool::load(std::size_t place) const noexcept {
    return state_->member(place).load;
}

ConnectionStats ServerPool::stats() const {
    ConnectionStats sum;
    for (std::size_t place = 0; place < state_->members.size(); ++place)
        state_->with(place, [&] { add(sum, state_->members[place].core->connections->stats()); });
    return sum;
}

std::uint64_t ServerPool::shed() const {
    std::uint64_t sum = 0;
    for (std::size_t place = 0; place < state_->members.size(); ++place)
        state_->with(place, [&] { sum += state_->members[place].core->all_shed(); });
    if (state_->acceptor != nullptr) state_->with(0, [&] { sum += state_->acceptor->shed(); });
    return sum;
}

void ServerPool::set_on_error(
    UniqueFunction<void(std::size_t, const Address&, std::error_code)> on_error) {
    struct Told {
        std::mutex mutex;
        decltype(on_error) call;
    };
    const auto told = std::make_shared<Told>();
    told->call = std::move(on_error);
    const auto set = [&](std::size_t place, std::span<Listener> listeners) {
        set_on_error_of(listeners, [told, place](const Address& address, std::error_code error) {
            const std::lock_guard lock{told->mutex};
            if (told->call) told->call(place, address, error);
        });
    };
    if (const auto& acceptor = state_->acceptor; acceptor != nullptr)
        return state_->with(0, [&] { set(0, acceptor->listeners()); });
    for (std::size_t place = 0; place < state_->members.size(); ++place)
        state_->with(place, [&] { set(place, state_->members[place].core->listeners); });
}

void ServerPool::retire(std::size_t place) {
    PoolMember& member = state_->member(place);
    if (state_->has_acceptor()) return state_->with(0, [&] { state_->acceptor->retire(place); });
    const bool shared = state_->options.spread == Spread::exclusive;
    state_->with(place, [&] {
        member.core->stop_listening(shared ? ServerCore::Queue::left : ServerCore::Queue::taken);
    });
}

void ServerPool::drain(Clock::duration timeout, Task on_done) {
    const auto all = std::make_shared<Drain>(state_->members.size(), std::move(on_done));
    state_->pool.loop(0).post(
        [state = state_, timeout, all] { state->begin_draining(timeout, all); });
}

bool ServerPool::drain(Clock::duration timeout) {
    return state_->pool.await(0, [&](EventLoop&, Task done) { drain(timeout, std::move(done)); });
}

} // namespace pollux
