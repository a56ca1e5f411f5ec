// The part of ConnectionSetCore that reads, and is called when something is ready.

#include <algorithm>
#include <cassert>

#include "net/transfer.hpp"
#include "stream/connection_visit.hpp"

namespace pollux {
namespace {

// A read that stops short may have more behind it: the end, or what follows an urgent byte.
constexpr Readiness more =
    Readiness::peer_closed | Readiness::hang_up | Readiness::error | Readiness::urgent;

} // namespace

// Stands here with what a message runs through, so that the compiler sees the way as one piece.
void ConnectionSetCore::watch(Connection& connection) {
    connection.watch_ =
        loop_.watch(connection.socket_.fd(), reading_, options_.trigger,
                    [this, &connection](Readiness ready) { on_ready(connection, ready); });
}

void ConnectionSetCore::on_ready(Connection& connection, Readiness ready) {
    visit(connection, [&] {
        // Read first: what came can be answered in the same write.
        if (has(ready, Readiness::readable | more)) receive(connection, ready);
        if (has(ready, Readiness::writable | Readiness::error | Readiness::hang_up) ||
            is_untried(connection))
            flush(connection);
    });
}

// What is seen to before a read. False: now nothing is to be read.
bool ConnectionSetCore::goes_on_to_read(Connection& connection) {
    if (connection.state_ == State::lingering) {
        discard(connection);
        return false;
    }
    if (!wants_input(connection)) return false;
    const bool offer_again = connection.unusual_.offer_again;
    connection.unusual_.offer_again = false;
    if (!offer_again || !keeps_input(connection)) return true;
    offer(connection, {});
    return wants_input(connection) && options_.trigger == Trigger::edge;
}

inline void ConnectionSetCore::receive(Connection& connection, Readiness ready) {
    if (!is_usual(connection) && !goes_on_to_read(connection)) return;
    // A short read proves the kernel's buffer empty (epoll(7), question 9), but for the end and for
    // urgent data: when one was announced, reading goes on, since no edge will tell again.
    const bool may_be_more = options_.read_until_would_block || has(ready, more);
    if (into_.empty()) into_ = loop_.scratch().first(options_.read_size);
    int left = options_.reads_per_visit;
    do {
        const IoResult result = receive_bytes(connection.fd(), into_);
        if (result.state != IoState::ok) [[unlikely]]
            return nothing_came(connection, result);
        stats_.received += result.bytes;
        progressed(connection);
        offer(connection, into_.first(result.bytes));
        if (result.bytes < into_.size() && !may_be_more) return;
        if (!is_usual(connection) && !wants_input(connection)) return;
    } while (--left > 0);
    // The budget is spent. Level and one-shot triggers tell again by themselves.
    if (options_.trigger == Trigger::edge)
        connection.watch_.again(Readiness::readable | (ready & more));
}

void ConnectionSetCore::nothing_came(Connection& connection, IoResult result) {
    if (result.state == IoState::end) return peer_ended(connection);
    if (result.state == IoState::error) give_up(connection, {CloseReason::error, result.error});
}

std::size_t ConnectionSetCore::input_limit(const Connection& connection) const noexcept {
    return connection.admitted_ ? options_.input_limit
                                : std::min(options_.input_limit, options_.admission.input_limit);
}

// Hands the bytes to the handler, behind what it left before, and keeps what it leaves.
inline void ConnectionSetCore::offer(Connection& connection, ByteView bytes) {
    if (!handlers_.on_data) return;
    if (keeps_input(connection)) return offer_kept(connection, bytes);
    const std::size_t taken = handlers_.on_data(connection, bytes);
    assert(taken <= bytes.size());
    if (taken < bytes.size()) keep(connection, bytes.subspan(taken));
    flush_gathered(connection);
}

void ConnectionSetCore::offer_kept(Connection& connection, ByteView bytes) {
    Buffer& input = connection.rare_->input;
    input.append(bytes);
    const std::size_t taken = handlers_.on_data(connection, input.view());
    assert(taken <= input.size());
    input.consume(taken);
    if (input.empty()) input.release();
    if (taken > 0) another_message(connection);
    limit_input(connection);
    flush_gathered(connection);
}

void ConnectionSetCore::keep(Connection& connection, ByteView bytes) {
    if (connection.state_ != State::open) return;
    rare(connection).input.append(bytes);
    limit_input(connection);
}

void ConnectionSetCore::limit_input(Connection& connection) {
    if (connection.state_ == State::open && keeps_input(connection) &&
        connection.rare_->input.size() > input_limit(connection))
        give_up(connection, {CloseReason::input_limit});
}

void ConnectionSetCore::peer_ended(Connection& connection) {
    connection.unusual_.peer_ended = true;
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
    hold(connection, [&] { connection.unusual_.reading_paused = true; });
}

void ConnectionSetCore::resume_reading(Connection& connection) {
    if (!connection.unusual_.reading_paused) return;
    hold(connection, [&] {
        connection.unusual_.reading_paused = false;
        connection.unusual_.offer_again = true;
    });
}

} // namespace pollux
