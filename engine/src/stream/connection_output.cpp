// The part of ConnectionSetCore that writes, and ends what was written.

#include <algorithm>
#include <cerrno>
#include <utility>

#include "net/transfer.hpp"
#include "net/zero_copy.hpp"
#include "stream/connection_visit.hpp"

namespace pollux {
namespace {

constexpr std::size_t file_bytes_per_write = std::size_t{1} << 16; // 64 KiB
constexpr std::chrono::milliseconds feed_delay{10};

} // namespace

std::uint64_t ConnectionSetCore::unsent(const Connection& connection) const noexcept {
    std::uint64_t count = gatherer_ == &connection ? gathered_.size() : 0;
    if (connection.rare_ == nullptr) return count;
    for (const FileRange& range : connection.rare_->files) count += range.left;
    return count + connection.rare_->output.size();
}

std::size_t ConnectionSetCore::output_limit(const Connection& connection) const noexcept {
    return connection.admitted_ ? options_.output_limit
                                : std::min(options_.output_limit, options_.admission.output_limit);
}

bool ConnectionSetCore::send(Connection& connection, ByteView bytes) {
    if (!takes_output(connection)) return false;
    if (bytes.empty()) return true;
    return hold(connection, [&] {
        const bool gathers = gatherer_ == &connection && bytes.size() < gather_limit;
        if (gathers) gathered_.append(bytes);
        if (!gathers || gathered_.size() >= gather_limit) flush_gathered(connection);
        if (!gathers) write_or_enqueue(connection, bytes);
    });
}

bool ConnectionSetCore::send_file(Connection& connection, FileRange range) {
    if (!takes_output(connection)) return false;
    if (range.left == 0) return true;
    return hold(connection, [&] {
        flush_gathered(connection);
        if (!is_alive(connection)) return;
        const bool is_first = !has_output(connection);
        Connection::Rare& queue = rare(connection);
        range.before = queue.output.size();
        for (const FileRange& other : queue.files) range.before -= other.before;
        queue.files.push_back(std::move(range));
        // In a visit it waits for the end of that: however much one asks for, a visit is bounded.
        if (is_first && gatherer_ != &connection && connection.state_ == State::open)
            write_waiting(connection);
        else
            connection.unusual_.over_high_water = true;
        queue.untried = queue.untried || (is_first && gatherer_ == &connection);
    });
}

void ConnectionSetCore::write_gathered(Connection& connection) {
    if (is_alive(connection)) // the handler may have been refused memory since
        guarded(connection, [&] { write_or_enqueue(connection, gathered_.view()); });
    gathered_.clear();
    after_output(connection);
}

inline void ConnectionSetCore::write_or_enqueue(Connection& connection, ByteView bytes) {
    if (connection.state_ != State::connecting && !has_output(connection))
        bytes = bytes.subspan(write(connection, bytes));
    if (!bytes.empty()) [[unlikely]]
        enqueue(connection, bytes);
}

void ConnectionSetCore::enqueue(Connection& connection, ByteView bytes) {
    if (!is_alive(connection)) return;
    Buffer& output = rare(connection).output;
    output.append(bytes);
    if (output.size() > output_limit(connection))
        return give_up(connection, {CloseReason::output_limit});
    connection.unusual_.over_high_water =
        connection.unusual_.over_high_water || output.size() > options_.high_water;
}

// Returns how much the kernel took: mostly all, and nothing else needs to be looked at.
inline std::size_t ConnectionSetCore::write(Connection& connection, ByteView bytes) {
    const ssize_t count = send_some(connection.fd(), bytes);
    if (!std::cmp_equal(count, bytes.size())) [[unlikely]]
        return write_on(connection, bytes, moved(count));
    stats_.sent += bytes.size();
    progressed(connection);
    return bytes.size();
}

// At edge trigger until it would block, since only then will writability be told; or until the
// budget is spent.
std::size_t ConnectionSetCore::write_on(Connection& connection, ByteView bytes, IoResult first) {
    std::size_t written = 0;
    IoResult result = first;
    for (int left = options_.writes_per_visit - 1;; --left) {
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
        if (options_.trigger != Trigger::edge || written == bytes.size()) break;
        if (left == 0) {
            write_later(connection);
            break;
        }
        result = send_bytes(connection.fd(), bytes.subspan(written));
    }
    stats_.sent += written;
    if (written > 0) progressed(connection);
    return written;
}

// More could be written, when the others had their turn. Level and one-shot triggers tell again by
// themselves.
void ConnectionSetCore::write_later(Connection& connection) {
    if (options_.trigger == Trigger::edge) connection.watch_.again(Readiness::writable);
}

// A part of the first file. False when the rest has to wait.
bool ConnectionSetCore::write_file(Connection& connection, std::size_t& budget) {
    if (budget == 0) {
        write_later(connection);
        return false;
    }
    FileRange& range = connection.rare_->files.front();
    const std::size_t most = std::min<std::uint64_t>(range.left, budget);
    const IoResult result = send_from_file(connection.fd(), range.file.get(), range.offset, most);
    if (result.state == IoState::would_block) return false;
    if (result.state == IoState::error && result.error == ENOBUFS) {
        try_later(connection);
        return false;
    }
    if (result.state != IoState::ok) {
        const int error = result.state == IoState::end ? ENODATA : result.error;
        give_up(connection, {CloseReason::error, error});
        return false;
    }
    stats_.sent += result.bytes;
    progressed(connection);
    budget -= result.bytes;
    range.offset += result.bytes;
    range.left -= result.bytes;
    if (range.left == 0) connection.rare_->files.erase(connection.rare_->files.begin());
    return options_.trigger == Trigger::edge || result.bytes == most;
}

// Writes what waits, in its order. A connection with a file that waits does not read.
void ConnectionSetCore::write_waiting(Connection& connection) {
    Connection::Rare& queue = *connection.rare_;
    queue.untried = false;
    std::size_t budget = static_cast<std::size_t>(options_.writes_per_visit) * file_bytes_per_write;
    bool goes_on = true;
    while (goes_on && has_output(connection)) {
        const bool bytes_only = queue.files.empty();
        const std::size_t first = bytes_only ? queue.output.size() : queue.files.front().before;
        if (first > 0) {
            const std::size_t written = write(connection, queue.output.view().first(first));
            queue.output.consume(written);
            if (!bytes_only) queue.files.front().before -= written;
            goes_on = written == first;
        } else {
            goes_on = write_file(connection, budget);
        }
    }
    if (queue.output.empty()) queue.output.release();
    if (!queue.files.empty()) connection.unusual_.over_high_water = true;
}

// Writes what waits, and tells when that was too much and is no more.
void ConnectionSetCore::flush(Connection& connection) {
    if (connection.state_ != State::open && connection.state_ != State::closing) return;
    if (has_output(connection)) write_waiting(connection);
    if (connection.unusual_.over_high_water && !has_files(connection) &&
        (!has_output(connection) || connection.rare_->output.size() <= options_.low_water)) {
        connection.unusual_.over_high_water = false;
        connection.unusual_.offer_again = true;
        if (connection.state_ == State::open && handlers_.on_drain) handlers_.on_drain(connection);
        flush_gathered(connection);
        if (is_untried(connection)) write_later(connection);
    }
    after_output(connection);
}

// The output may be complete: then follows what was waiting for that.
void ConnectionSetCore::end_output(Connection& connection) {
    if (has_output(connection) || (gatherer_ == &connection && !gathered_.empty())) return;
    // Nothing unread and nothing to come: a plain close is in good order.
    if (connection.state_ == State::closing && connection.unusual_.peer_ended)
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
    if (!connection.unusual_.starved) starved_.push_back(connection.id());
    connection.unusual_.starved = true;
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
            connection->unusual_.starved = false;
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
    if (connection.state_ == State::connecting && has_output(connection))
        connection.closes_ = connection.ending_ = true; // when it is open
    else if (connection.state_ == State::connecting)
        abort(connection, {reason});
    if (connection.state_ != State::open) return;
    hold(connection, [&] {
        connection.state_ = State::closing;
        connection.reason_ = reason;
        if (connection.rare_ != nullptr) connection.rare_->message_due = never;
        progressed(connection);
        after_output(connection);
    });
}

} // namespace pollux
