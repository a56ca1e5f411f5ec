// The part of ConnectionSetCore that writes, and ends what was written.

#include <cerrno>
#include <utility>

#include "stream/connection_visit.hpp"

namespace pollux {
namespace {

constexpr std::size_t gather_limit = 65536;
constexpr std::chrono::milliseconds feed_delay{10};

} // namespace

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

} // namespace pollux
