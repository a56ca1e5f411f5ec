#include "stream/connection_set_core.hpp"

#include <cassert>
#include <cerrno>
#include <pollux/error.hpp>
#include <stdexcept>
#include <utility>

#include "stream/connection_visit.hpp"

namespace pollux {
namespace {

// At edge trigger an urgent byte has to be heard of: nothing else tells of what follows it.
Interest reading(Trigger trigger) noexcept {
    return trigger == Trigger::edge ? Interest::read | Interest::urgent : Interest::read;
}

constexpr std::size_t most_read = ConnectionOptions{}.read_size; // what the loop's buffer holds

ConnectionOptions checked(const ConnectionOptions& options, const EventLoop& loop) {
    if (options.reads_per_visit < 1)
        throw std::invalid_argument{"ConnectionOptions: reads_per_visit must be positive"};
    if (options.writes_per_visit < 1)
        throw std::invalid_argument{"ConnectionOptions: writes_per_visit must be positive"};
    if (options.read_size < 1 || options.read_size > most_read)
        throw std::invalid_argument{"ConnectionOptions: read_size must be 1 to 65536"};
    if (options.trigger == Trigger::exclusive)
        throw std::invalid_argument{"ConnectionOptions: the exclusive trigger is for listeners"};
    if (!loop.supports(options.trigger))
        throw_system_error(ENOTSUP, loop.name(), to_string(options.trigger));
    return options;
}

} // namespace

ConnectionSetCore::ConnectionSetCore(EventLoop& loop, ConnectionHandlers handlers,
                                     ConnectionOptions options)
    : loop_{loop},
      handlers_{std::move(handlers)},
      options_{checked(options, loop)},
      reading_{reading(options.trigger)},
      idles_{options.idle_timeout != Clock::duration::max()},
      rearms_{options.trigger == Trigger::one_shot},
      timer_{loop.run_at(never, [this] { expire_due(); })},
      feed_{loop.run_at(never, [this] { feed(); })} {
    timer_.cancel();
    feed_.cancel();
}

void ConnectionSetCore::abandon() noexcept {
    const Inside inside{*this};
    abandoned_ = true;
    for (std::uint32_t index = 0; index < connections_.size(); ++index) {
        Connection& connection = connections_[index];
        if (connection.state_ == State::free) continue;
        give_up(connection, {CloseReason::stopped});
        finish(connection, nullptr);
    }
    timer_ = {};
    feed_ = {};
}

Connection& ConnectionSetCore::make() {
    Connection& connection = connections_[connections_.take()];
    connection.set_ = this;
    connection.user = nullptr;
    connection.error_ = 0;
    connection.interest_ = reading_;
    connection.unusual_ = {};
    connection.ending_ = connection.ended_ = connection.held_ = false;
    connection.admitted_ = connection.closes_ = false;
    return connection;
}

ConnectionId ConnectionSetCore::adopt(Socket socket) {
    if (abandoned_) return {};
    const Inside inside{*this};
    Connection& connection = make();
    const ConnectionId id = connection.id();
    try {
        connection.socket_ = std::move(socket);
        watch(connection);
    } catch (...) {
        connection.socket_.close();
        connections_.give_back(connection.index);
        throw;
    }
    open(connection);
    return id;
}

ConnectionId ConnectionSetCore::connect(const Address& address, Clock::duration timeout) {
    if (abandoned_) return {};
    Connection& connection = make();
    try {
        rare(connection)
            .connector.emplace(loop_, address, timeout,
                               [this, &connection](Socket socket, std::error_code error) {
                                   connected(connection, std::move(socket), error);
                               });
    } catch (...) {
        connection.rare_.reset();
        connections_.give_back(connection.index);
        throw;
    }
    connection.state_ = State::connecting;
    return connection.id();
}

void ConnectionSetCore::connected(Connection& connection, Socket socket, std::error_code error) {
    const Inside inside{*this};
    bool ready = false;
    hold(connection, [&] {
        connection.socket_ = std::move(socket);
        if (error) return give_up(connection, {CloseReason::error, error.value()});
        if (connection.socket_.local().family() != AF_UNIX)
            connection.socket_.set(option::no_delay, true);
        watch(connection);
        connection.rare_->connector.reset();
        ready = true;
    });
    if (ready) open(connection);
}

void ConnectionSetCore::open(Connection& connection) {
    connection.state_ = State::open;
    ++stats_.opened;
    visit(connection, [&] {
        progressed(connection);
        if (!connection.admitted_ && options_.admission.timeout != Clock::duration::max())
            set_deadline(connection, later(loop_.now(), options_.admission.timeout));
        if (handlers_.on_open) handlers_.on_open(connection);
        flush_gathered(connection);
        flush(connection);
        if (connection.closes_) close(connection, CloseReason::closed);
    });
}

void ConnectionSetCore::admit(Connection& connection) {
    if (connection.admitted_) return;
    connection.admitted_ = true;
    if (options_.admission.timeout != Clock::duration::max()) set_deadline(connection, never);
}

// No way back: nothing is read or written any more. `finish` follows, by whoever holds it.
void ConnectionSetCore::give_up(Connection& connection, Closed closed) noexcept {
    if (connection.state_ == State::gone || connection.state_ == State::free) return;
    connection.state_ = State::gone;
    count_waiting(connection);
    connection.reason_ = closed.reason;
    connection.error_ = static_cast<std::uint16_t>(closed.error);
    connection.watch_.stop();
    disarm(connection);
}

// The last call for a connection. `failure` is what a handler of it threw.
void ConnectionSetCore::finish(Connection& connection, const std::exception_ptr& failure) {
    const Inside inside{*this};
    connection.state_ = State::free;
    ++stats_.closed[static_cast<std::size_t>(connection.reason_)];
    std::exception_ptr another;
    try {
        if (handlers_.on_close)
            handlers_.on_close(connection, {connection.reason_, connection.error_});
    } catch (...) {
        another = std::current_exception();
    }
    connection.socket_.close();
    // A set destroyed in the middle of a visit leaves the place to the end: the handler still
    // looks at its bytes.
    if (!connection.held_) {
        connection.rare_.reset();
        connections_.give_back(connection.index);
    }
    if (on_gone_ && !abandoned_) on_gone_();
    report(failure);
    report(another);
}

void ConnectionSetCore::report(const std::exception_ptr& failure) {
    if (failure == nullptr) return;
    if (abandoned_ || !handlers_.on_error) std::rethrow_exception(failure);
    handlers_.on_error(failure);
}

Connection* ConnectionSetCore::find(ConnectionId id) noexcept {
    const auto bits = static_cast<std::uint64_t>(id);
    const SlabId place{static_cast<std::uint32_t>(bits), static_cast<std::uint32_t>(bits >> 32)};
    if (place.index >= connections_.size()) return nullptr; // ConnectionId{} on an empty set
    Connection* const connection = connections_.find(place);
    return connection != nullptr && is_alive(*connection) ? connection : nullptr;
}

void ConnectionSetCore::for_each(UniqueFunction<void(Connection&)>& visit) {
    const Inside inside{*this};
    std::vector<ConnectionId> ids = std::move(spare_ids_); // one call may be within another
    ids.clear();
    ids.reserve(connections_.live());
    for (std::uint32_t index = 0; index < connections_.size(); ++index)
        if (is_alive(connections_[index])) ids.push_back(connections_[index].id());
    for (const ConnectionId id : ids)
        if (Connection* const connection = find(id)) visit(*connection);
    spare_ids_ = std::move(ids);
}

void ConnectionSetCore::drop_rare(Connection& connection) noexcept {
    if (connection.rare_ == nullptr) return;
    if (connection.state_ != State::open) connection.rare_->input.release();
    count_waiting(connection);
    if (connection.rare_->useless()) connection.rare_.reset();
}

void ConnectionSetCore::abort(Connection& connection, Closed closed) {
    hold(connection, [&] { give_up(connection, closed); });
}

void ConnectionSetCore::let_go(Connection& connection, bool rearm,
                               const std::exception_ptr& failure) {
    if (connection.state_ == State::open) guarded(connection, [&] { watch_message(connection); });
    if (is_alive(connection)) drop_rare(connection);
    if (is_alive(connection) && connection.state_ != State::connecting)
        guarded(connection, [&] { update_interest(connection, rearm); });
    connection.held_ = false;
    if (connection.state_ == State::gone)
        finish(connection, failure);
    else
        report(failure); // its set is gone
}

void ConnectionSetCore::count_waiting(Connection& connection) noexcept {
    if (connection.rare_ == nullptr) return;
    const std::size_t now = is_alive(connection) ? connection.rare_->waiting() : 0;
    waiting_ += now - std::exchange(connection.rare_->counted, now);
}

// Too much waits in all together: those with the most go. What their on_close sends to others is
// seen to by the round that runs already: one in the other, they would need a stack for all.
void ConnectionSetCore::relieve() {
    if (relieving_) return;
    struct Round {
        bool& runs;
        ~Round() { runs = false; }
    } const round{relieving_ = true};
    while (!abandoned_ && waiting_ > options_.waiting_limit) {
        Connection* most = nullptr;
        for (std::uint32_t index = 0; index < connections_.size(); ++index) {
            Connection& one = connections_[index];
            if (is_alive(one) && one.rare_ != nullptr &&
                (most == nullptr || one.rare_->counted > most->rare_->counted))
                most = &one;
        }
        assert(most != nullptr);
        const bool by_output = most->rare_->output.size() >= most->rare_->input.size();
        abort(*most, {by_output ? CloseReason::output_limit : CloseReason::input_limit});
    }
}

// Asks the kernel for what matters now. A one-shot watch is armed on every way out of a visit.
void ConnectionSetCore::update_interest(Connection& connection, bool rearm) {
    const bool reads = connection.state_ == State::lingering || wants_input(connection);
    const bool writes = has_output(connection) && !connection.unusual_.starved;
    if (!reads && !writes) {
        connection.watch_.pause();
        connection.unusual_.watch_paused = true;
        return;
    }
    const Interest interest = !reads    ? Interest::write
                              : !writes ? reading_
                                        : reading_ | Interest::write;
    const bool disarmed = rearm && rearms_;
    if (disarmed || interest != connection.interest_ || connection.unusual_.watch_paused) {
        connection.watch_.set_interest(interest);
        connection.interest_ = interest;
        connection.unusual_.watch_paused = false;
    }
    // Kept input makes no event, and the edge of what is in the kernel may have been spent.
    const bool edge = options_.trigger == Trigger::edge;
    if (connection.unusual_.offer_again && wants_input(connection) &&
        (edge || keeps_input(connection)))
        connection.watch_.again();
}

} // namespace pollux
