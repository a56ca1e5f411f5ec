#include "stream/connection_set_core.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <new>
#include <pollux/error.hpp>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace pollux {
namespace {

constexpr auto never = Clock::time_point::max();
constexpr std::size_t gather_limit = 65536;
constexpr std::chrono::milliseconds feed_delay{10};
// A read that stops short may have more behind it: the end, or what follows an urgent byte.
constexpr Readiness more =
    Readiness::peer_closed | Readiness::hang_up | Readiness::error | Readiness::urgent;

// At edge trigger an urgent byte has to be heard of: nothing else tells of what follows it.
Interest reading(Trigger trigger) noexcept {
    return trigger == Trigger::edge ? Interest::read | Interest::urgent : Interest::read;
}

ConnectionOptions checked(const ConnectionOptions& options, const EventLoop& loop) {
    if (options.reads_per_visit < 1)
        throw std::invalid_argument{"ConnectionOptions: reads_per_visit must be positive"};
    if (options.trigger == Trigger::exclusive)
        throw std::invalid_argument{"ConnectionOptions: the exclusive trigger is for listeners"};
    if (!loop.supports(options.trigger))
        throw_system_error(ENOTSUP, loop.name(), to_string(options.trigger));
    return options;
}

} // namespace

// One of our callbacks runs: the core stays until it is over, even when its set goes.
class ConnectionSetCore::Inside {
public:
    explicit Inside(ConnectionSetCore& core) noexcept : core_{core} { ++core_.depth_; }
    ~Inside() {
        if (--core_.depth_ == 0 && core_.abandoned_) delete &core_;
    }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

private:
    ConnectionSetCore& core_;
};

ConnectionSetCore::ConnectionSetCore(EventLoop& loop, ConnectionHandlers handlers,
                                     ConnectionOptions options)
    : loop_{loop},
      handlers_{std::move(handlers)},
      options_{checked(options, loop)},
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

// --- life ------------------------------------------------------------------------------------

Connection& ConnectionSetCore::make() {
    Connection& connection = connections_[connections_.take()];
    connection.set_ = this;
    connection.user = nullptr;
    connection.error_ = 0;
    connection.interest_ = reading(options_.trigger);
    connection.reading_paused_ = connection.over_high_water_ = connection.peer_ended_ = false;
    connection.ending_ = connection.ended_ = connection.held_ = connection.offer_again_ = false;
    connection.starved_ = connection.closes_ = false;
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

void ConnectionSetCore::watch(Connection& connection) {
    connection.watch_ =
        loop_.watch(connection.socket_.fd(), reading(options_.trigger), options_.trigger,
                    [this, &connection](Readiness ready) { on_ready(connection, ready); });
}

void ConnectionSetCore::open(Connection& connection) {
    connection.state_ = State::open;
    ++stats_.opened;
    visit(connection, [&] {
        progressed(connection);
        if (handlers_.on_open) handlers_.on_open(connection);
        flush_gathered(connection);
        flush(connection);
        if (connection.closes_) close(connection, CloseReason::closed);
    });
}

// No way back: nothing is read or written any more. `finish` follows, by whoever holds it.
void ConnectionSetCore::give_up(Connection& connection, Closed closed) noexcept {
    if (connection.state_ == State::gone || connection.state_ == State::free) return;
    connection.state_ = State::gone;
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

bool ConnectionSetCore::is_alive(const Connection& connection) noexcept {
    return connection.state_ != State::free && connection.state_ != State::gone;
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
    std::vector<ConnectionId> ids;
    ids.reserve(connections_.live());
    for (std::uint32_t index = 0; index < connections_.size(); ++index)
        if (is_alive(connections_[index])) ids.push_back(connections_[index].id());
    for (const ConnectionId id : ids)
        if (Connection* const connection = find(id)) visit(*connection);
}

Connection::Rare& ConnectionSetCore::rare(Connection& connection) {
    if (connection.rare_ == nullptr) connection.rare_ = std::make_unique<Connection::Rare>();
    return *connection.rare_;
}

void ConnectionSetCore::drop_rare(Connection& connection) noexcept {
    if (connection.rare_ == nullptr) return;
    if (connection.state_ != State::open) connection.rare_->input.release();
    if (connection.rare_->useless()) connection.rare_.reset();
}

// --- visits ----------------------------------------------------------------------------------

// Its handlers are called by `body`. What one throws ends the connection.
template <class Body> void ConnectionSetCore::visit(Connection& connection, Body body) {
    const Inside inside{*this};
    std::exception_ptr failure;
    connection.held_ = true;
    // Only the outermost visit gathers: a connection made in the handler of another writes at once.
    if (gatherer_ == nullptr) gatherer_ = &connection;
    try {
        body();
    } catch (...) {
        failure = std::current_exception();
        give_up(connection, {CloseReason::exception});
    }
    if (gatherer_ == &connection) {
        gatherer_ = nullptr;
        gathered_.clear();
    }
    let_go(connection, true, failure);
}

// `body` is asked for from anywhere and calls no handlers: on_close waits until it is over, and in
// a visit until that is.
template <class Body> void ConnectionSetCore::hold(Connection& connection, Body body) {
    if (connection.held_) return guarded(connection, body);
    const Inside inside{*this};
    connection.held_ = true;
    guarded(connection, body);
    let_go(connection, false, nullptr);
}

// The kernel or the allocator refuses: that ends the connection, and nobody else need know.
template <class Body> void ConnectionSetCore::guarded(Connection& connection, Body body) noexcept {
    try {
        body();
    } catch (const std::system_error& error) {
        give_up(connection, {CloseReason::error, error.code().value()});
    } catch (const std::bad_alloc&) {
        give_up(connection, {CloseReason::error, ENOMEM});
    }
}

void ConnectionSetCore::let_go(Connection& connection, bool rearm,
                               const std::exception_ptr& failure) {
    if (is_alive(connection) && connection.state_ != State::connecting) {
        drop_rare(connection);
        guarded(connection, [&] { update_interest(connection, rearm); });
    }
    connection.held_ = false;
    if (connection.state_ == State::gone)
        finish(connection, failure);
    else
        report(failure); // its set is gone
}

void ConnectionSetCore::on_ready(Connection& connection, Readiness ready) {
    visit(connection, [&] {
        // Read first: what came can be answered in the same write.
        if (has(ready, Readiness::readable | more)) receive(connection, ready);
        if (has(ready, Readiness::writable | Readiness::error | Readiness::hang_up))
            flush(connection);
    });
}

// Asks the kernel for what matters now. A one-shot watch is armed on every way out of a visit.
void ConnectionSetCore::update_interest(Connection& connection, bool rearm) {
    const bool reads = connection.state_ == State::lingering || wants_input(connection);
    const bool writes = queued(connection) > 0 && !connection.starved_;
    if (!reads && !writes) return connection.watch_.pause();
    const Interest input = reading(options_.trigger);
    const Interest interest = !reads ? Interest::write : !writes ? input : input | Interest::write;
    const bool disarmed = rearm && options_.trigger == Trigger::one_shot;
    if (disarmed || interest != connection.interest_ || connection.watch_.paused()) {
        connection.watch_.set_interest(interest);
        connection.interest_ = interest;
    }
    // Kept input makes no event, and the edge of what is in the kernel may have been spent.
    const bool edge = options_.trigger == Trigger::edge;
    if (connection.offer_again_ && wants_input(connection) && (edge || keeps_input(connection)))
        connection.watch_.again();
}

// --- input -----------------------------------------------------------------------------------

bool ConnectionSetCore::wants_input(const Connection& connection) const noexcept {
    return connection.state_ == State::open && !connection.reading_paused_ &&
           (!connection.over_high_water_ || options_.read_over_high_water) &&
           !connection.peer_ended_;
}

bool ConnectionSetCore::keeps_input(const Connection& connection) noexcept {
    return connection.rare_ != nullptr && !connection.rare_->input.empty();
}

void ConnectionSetCore::receive(Connection& connection, Readiness ready) {
    if (connection.state_ == State::lingering) return discard(connection);
    if (!wants_input(connection)) return;
    const bool offer_again = connection.offer_again_;
    connection.offer_again_ = false;
    if (offer_again && keeps_input(connection)) {
        offer(connection, {});
        if (!wants_input(connection) || options_.trigger != Trigger::edge) return;
    }
    // A short read proves the kernel's buffer empty (epoll(7), question 9), but for the end and for
    // urgent data: when one was announced, reading goes on, since no edge will tell again.
    const bool may_be_more = has(ready, more);
    const std::span<std::byte> into = loop_.scratch();
    for (int left = options_.reads_per_visit; left > 0; --left) {
        const IoResult result = connection.socket_.read(into);
        switch (result.state) {
        case IoState::would_block:
            return;
        case IoState::error:
            return give_up(connection, {CloseReason::error, result.error});
        case IoState::end:
            return peer_ended(connection);
        case IoState::ok:
            break;
        }
        stats_.received += result.bytes;
        progressed(connection);
        offer(connection, into.first(result.bytes));
        if (!wants_input(connection)) return;
        if (result.bytes < into.size() && !may_be_more) return;
    }
    // The budget is spent. Level and one-shot triggers tell again by themselves.
    if (options_.trigger == Trigger::edge)
        connection.watch_.again(Readiness::readable | (ready & more));
}

// Hands the bytes to the handler, behind what it left before, and keeps what it leaves.
void ConnectionSetCore::offer(Connection& connection, ByteView bytes) {
    if (!handlers_.on_data) return;
    if (!keeps_input(connection)) {
        const std::size_t taken = handlers_.on_data(connection, bytes);
        assert(taken <= bytes.size());
        if (connection.state_ == State::open && taken < bytes.size())
            rare(connection).input.append(bytes.subspan(taken));
    } else {
        Buffer& input = connection.rare_->input;
        input.append(bytes);
        const std::size_t taken = handlers_.on_data(connection, input.view());
        assert(taken <= input.size());
        input.consume(taken);
        if (input.empty()) input.release();
    }
    if (connection.state_ == State::open && keeps_input(connection) &&
        connection.rare_->input.size() > options_.input_limit)
        give_up(connection, {CloseReason::input_limit});
    flush_gathered(connection);
}

void ConnectionSetCore::peer_ended(Connection& connection) {
    connection.peer_ended_ = true;
    if (connection.rare_ != nullptr) connection.rare_->input.release();
    if (!handlers_.on_end) return close(connection, CloseReason::peer);
    handlers_.on_end(connection);
    flush_gathered(connection);
}

// Lingering: what still comes is of no interest, but has to be read (see Connection::close).
void ConnectionSetCore::discard(Connection& connection) {
    const std::span<std::byte> into = loop_.scratch();
    for (int left = options_.reads_per_visit; left > 0; --left) {
        const IoResult result = connection.socket_.read(into);
        if (result.state == IoState::would_block) return;
        if (result.state == IoState::error)
            return give_up(connection, {CloseReason::error, result.error});
        if (result.state == IoState::end) return give_up(connection, {connection.reason_});
    }
    if (options_.trigger == Trigger::edge) connection.watch_.again();
}

void ConnectionSetCore::pause_reading(Connection& connection) {
    hold(connection, [&] { connection.reading_paused_ = true; });
}

void ConnectionSetCore::resume_reading(Connection& connection) {
    if (!connection.reading_paused_) return;
    hold(connection, [&] {
        connection.reading_paused_ = false;
        connection.offer_again_ = true;
    });
}

// --- output ----------------------------------------------------------------------------------

std::size_t ConnectionSetCore::queued(const Connection& connection) noexcept {
    return connection.rare_ == nullptr ? 0 : connection.rare_->output.size();
}

std::size_t ConnectionSetCore::unsent(const Connection& connection) const noexcept {
    return queued(connection) + (gatherer_ == &connection ? gathered_.size() : 0);
}

bool ConnectionSetCore::send(Connection& connection, ByteView bytes) {
    const bool connecting = connection.state_ == State::connecting;
    if ((connection.state_ != State::open && !connecting) || connection.ending_) return false;
    if (bytes.empty()) return true;
    bool alive = false;
    hold(connection, [&] {
        const bool gathers = gatherer_ == &connection && bytes.size() < gather_limit;
        if (gathers) gathered_.append(bytes);
        if (!gathers || gathered_.size() >= gather_limit) flush_gathered(connection);
        if (!gathers) write_or_enqueue(connection, bytes);
        alive = is_alive(connection);
    });
    return alive;
}

void ConnectionSetCore::flush_gathered(Connection& connection) {
    if (gatherer_ != &connection || gathered_.empty()) return;
    guarded(connection, [&] { write_or_enqueue(connection, gathered_.view()); });
    gathered_.clear();
    after_output(connection);
}

void ConnectionSetCore::write_or_enqueue(Connection& connection, ByteView bytes) {
    if (connection.state_ != State::connecting && queued(connection) == 0)
        bytes = bytes.subspan(write(connection, bytes));
    if (!is_alive(connection) || bytes.empty()) return;
    Buffer& output = rare(connection).output;
    output.append(bytes);
    if (output.size() > options_.output_limit)
        return give_up(connection, {CloseReason::output_limit});
    connection.over_high_water_ =
        connection.over_high_water_ || output.size() > options_.high_water;
}

// Returns how much the kernel took. At edge trigger until it would block: only then will
// writability be told.
std::size_t ConnectionSetCore::write(Connection& connection, ByteView bytes) {
    std::size_t written = 0;
    while (is_alive(connection) && written < bytes.size()) {
        const IoResult result = connection.socket_.write(bytes.subspan(written));
        if (result.state == IoState::would_block) break;
        if (result.state == IoState::error) {
            if (result.error == ENOBUFS) {
                try_later(connection);
                break;
            }
            give_up(connection, {CloseReason::error, result.error});
            return 0;
        }
        written += result.bytes;
        if (options_.trigger != Trigger::edge) break;
    }
    stats_.sent += written;
    if (written > 0) progressed(connection);
    return written;
}

// Writes what waits.
void ConnectionSetCore::flush(Connection& connection) {
    if (connection.state_ != State::open && connection.state_ != State::closing) return;
    if (queued(connection) > 0) {
        Buffer& output = connection.rare_->output;
        output.consume(write(connection, output.view()));
        if (output.empty()) output.release();
    }
    if (connection.over_high_water_ && queued(connection) <= options_.low_water) {
        connection.over_high_water_ = false;
        connection.offer_again_ = true;
        if (connection.state_ == State::open && handlers_.on_drain) handlers_.on_drain(connection);
        flush_gathered(connection);
    }
    after_output(connection);
}

// The output may be complete: then follows what was waiting for that.
void ConnectionSetCore::after_output(Connection& connection) {
    const bool ending = connection.state_ == State::closing ||
                        (connection.state_ == State::open && connection.ending_);
    if (!ending || queued(connection) > 0 || (gatherer_ == &connection && !gathered_.empty()))
        return;
    // Nothing unread and nothing to come: a plain close is in good order.
    if (connection.state_ == State::closing && connection.peer_ended_)
        return give_up(connection, {connection.reason_});
    if (!connection.ended_) connection.socket_.shutdown_write();
    connection.ended_ = true;
    if (connection.state_ != State::closing) return;
    connection.state_ = State::lingering;
    arm(connection, later(Clock::now(), options_.linger_timeout));
    if (options_.trigger == Trigger::edge) connection.watch_.again();
}

// ENOBUFS passes, but nothing tells when (send(2)).
void ConnectionSetCore::try_later(Connection& connection) {
    if (!connection.starved_) starved_.push_back(connection.id());
    connection.starved_ = true;
    if (!feed_.armed()) feed_.run_after(feed_delay);
}

void ConnectionSetCore::feed() {
    const Inside inside{*this};
    std::vector<ConnectionId> hungry = std::exchange(starved_, {});
    try {
        while (!hungry.empty()) {
            Connection* const connection = find(hungry.back());
            hungry.pop_back();
            if (connection == nullptr) continue;
            connection->starved_ = false;
            on_ready(*connection, Readiness::writable);
        }
    } catch (...) { // of a handler: the others are next
        starved_.insert(starved_.end(), hungry.begin(), hungry.end());
        if (!abandoned_) feed_.run_after(feed_delay);
        throw;
    }
}

void ConnectionSetCore::end(Connection& connection) {
    if (connection.state_ != State::open && connection.state_ != State::connecting) return;
    connection.ending_ = true;
    if (connection.state_ == State::open) hold(connection, [&] { after_output(connection); });
}

void ConnectionSetCore::close(Connection& connection, CloseReason reason) {
    if (connection.state_ == State::connecting && queued(connection) > 0)
        connection.closes_ = connection.ending_ = true; // when it is open
    else if (connection.state_ == State::connecting)
        abort(connection, {reason});
    if (connection.state_ != State::open) return;
    hold(connection, [&] {
        connection.state_ = State::closing;
        connection.reason_ = reason;
        progressed(connection);
        after_output(connection);
    });
}

void ConnectionSetCore::abort(Connection& connection, Closed closed) {
    hold(connection, [&] { give_up(connection, closed); });
}

// --- deadlines -------------------------------------------------------------------------------

// Something came or went: what is idle is so from now on.
void ConnectionSetCore::progressed(Connection& connection) {
    const bool open = connection.state_ == State::open;
    if (open && options_.idle_timeout == Clock::duration::max()) return;
    arm(connection, later(loop_.now(), open ? options_.idle_timeout : options_.linger_timeout));
}

void ConnectionSetCore::arm(Connection& connection, Clock::time_point due) {
    if (connection.rare_ != nullptr) due = std::min(due, connection.rare_->deadline);
    if (due == never) return disarm(connection);
    deadlines_.arm(connection, due);
    if (due < timer_due_) set_timer();
}

void ConnectionSetCore::disarm(Connection& connection) noexcept {
    deadlines_.disarm(connection);
    if (timer_due_ != never && (deadlines_.empty() || connection.due <= timer_due_)) set_timer();
}

// One timer of the loop stands for all deadlines: set to the earliest, or not at all.
void ConnectionSetCore::set_timer() {
    const Connection* const earliest = deadlines_.earliest();
    timer_due_ = earliest == nullptr ? never : earliest->due;
    if (earliest == nullptr)
        timer_.cancel();
    else
        timer_.run_at(timer_due_);
}

void ConnectionSetCore::set_deadline(Connection& connection, Clock::time_point due) {
    if (connection.state_ != State::open && connection.state_ != State::connecting) return;
    // What is idle stays so: the time it is due is kept, unless a deadline before it stands there.
    const Clock::time_point former = std::exchange(rare(connection).deadline, due);
    if (connection.place != not_in_heap && connection.due < former)
        return arm(connection, connection.due);
    const bool idles =
        connection.state_ == State::open && options_.idle_timeout != Clock::duration::max();
    arm(connection, idles ? later(loop_.now(), options_.idle_timeout) : never);
}

void ConnectionSetCore::expire_due() {
    const Inside inside{*this};
    const Clock::time_point now = Clock::now();
    while (!abandoned_) {
        set_timer(); // first: should a handler throw, the rest is due in the next turn
        if (timer_due_ == never || timer_due_ > now) return;
        expire(*deadlines_.earliest());
    }
}

void ConnectionSetCore::expire(Connection& connection) {
    const bool was_closing =
        connection.state_ == State::closing || connection.state_ == State::lingering;
    const bool at_deadline =
        connection.rare_ != nullptr && connection.rare_->deadline <= connection.due;
    abort(connection, {was_closing   ? connection.reason_
                       : at_deadline ? CloseReason::deadline
                                     : CloseReason::idle});
}

} // namespace pollux
