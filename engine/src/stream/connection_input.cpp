// The part of ConnectionSetCore that reads, and is called when something is ready.

#include <algorithm>
#include <cassert>

#include "stream/connection_visit.hpp"

namespace pollux {
namespace {

// A read that stops short may have more behind it: the end, or what follows an urgent byte.
constexpr Readiness more =
    Readiness::peer_closed | Readiness::hang_up | Readiness::error | Readiness::urgent;

} // namespace

void ConnectionSetCore::on_ready(Connection& connection, Readiness ready) {
    visit(connection, [&] {
        // Read first: what came can be answered in the same write.
        if (has(ready, Readiness::readable | more)) receive(connection, ready);
        if (has(ready, Readiness::writable | Readiness::error | Readiness::hang_up) ||
            is_untried(connection))
            flush(connection);
    });
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
    const bool may_be_more = options_.read_until_would_block || has(ready, more);
    const std::span<std::byte> into = loop_.scratch().first(options_.read_size);
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

std::size_t ConnectionSetCore::input_limit(const Connection& connection) const noexcept {
    return connection.admitted_ ? options_.input_limit
                                : std::min(options_.input_limit, options_.admission.input_limit);
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
        if (taken > 0) another_message(connection);
    }
    if (connection.state_ == State::open && keeps_input(connection) &&
        connection.rare_->input.size() > input_limit(connection))
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

} // namespace pollux
