#include "service/conversation.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <linux/sockios.h>
#include <memory>
#include <utility>

#include "sys.hpp"
#include "timespec.hpp"

namespace pollux {
namespace {

constexpr std::size_t gather_limit = 65536;
using Room = std::array<std::byte, 65536>;

} // namespace

bool is_settled(Socket& socket) noexcept {
    std::byte byte{};
    int unsent = 0;
    return socket.receive({&byte, 1}, MSG_PEEK).state == IoState::would_block &&
           sys::ioctl(socket.fd(), SIOCOUTQ, &unsent) == 0 && unsent == 0;
}

Conversation::Conversation(Service& service, Socket socket)
    : service_{service}, socket_{std::move(socket)} {}

void Conversation::run() {
    const std::unique_ptr<Session> session = service_.make_session(*this);
    session->on_open();
    flush();
    listen_to(*session);
    end_in_good_order();
}

// When it is to stop it looks once more: what has arrived is answered.
void Conversation::listen_to(Session& session) {
    Room room; // NOLINT(cppcoreguidelines-pro-type-member-init): only what is read is looked at
    Woken woken = Woken::ready;
    while (state_ == State::open && woken == Woken::ready) {
        woken = wait_for_input();
        const IoResult got = socket_.read(room);
        if (got.state == IoState::ok) {
            offer(session, ByteView{room}.first(got.bytes));
        } else if (got.state == IoState::end) {
            peer_ended_ = true;
            input_.release();
            session.on_end();
            close();
        } else if (got.state == IoState::error || woken == Woken::late) {
            state_ = State::broken;
        }
        flush();
    }
}

void Conversation::offer(Session& session, ByteView bytes) {
    const bool kept = !input_.empty();
    if (kept) input_.append(bytes);
    const ByteView offered = kept ? input_.view() : bytes;
    const std::size_t taken = session.on_data(offered);
    assert(taken <= offered.size());
    if (kept)
        input_.consume(taken);
    else
        input_.append(bytes.subspan(taken));
    if (input_.empty()) input_.release();
    if (input_.size() > service_.options().input_limit) state_ = State::broken;
}

bool Conversation::send(ByteView bytes) {
    if (state_ != State::open) return false;
    output_.append(bytes);
    if (output_.size() >= gather_limit) flush();
    return state_ == State::open;
}

void Conversation::close() {
    if (state_ == State::open) state_ = State::closing;
}

// Waits for a client that does not read: nobody else is kept waiting by that.
void Conversation::flush() {
    while (!output_.empty() && state_ != State::broken) {
        const IoResult sent = socket_.write(output_.view());
        if (sent.state == IoState::ok) {
            output_.consume(sent.bytes);
        } else if (sent.state == IoState::error) {
            state_ = State::broken;
        } else {
            const bool stopping = service_.stop().requested();
            const Woken woken = wait(POLLOUT, stopping ? service_.stop().due() : idle_due());
            if (woken == Woken::late) state_ = State::broken;
        }
    }
    output_.release();
}

// A socket closed with unread input resets its peer, who then may lose the answer (RFC 1122
// 4.2.2.13): so the peer is told the end, and what still comes is read until it ends too. When it
// is to stop a peer that knows and says nothing is not waited for; no event tells of that.
void Conversation::end_in_good_order() {
    StopSign& stop = service_.stop();
    if (state_ == State::broken || peer_ended_) return;
    socket_.shutdown_write();
    const Clock::time_point due = later(Clock::now(), service_.options().drain_timeout);
    Room room; // NOLINT(cppcoreguidelines-pro-type-member-init)
    for (;;) {
        if (stop.requested() && is_settled(socket_)) return;
        const Clock::time_point last = stop.requested() ? std::min(due, stop.due()) : due;
        const Clock::time_point look = later(Clock::now(), settled_look);
        const Woken woken = wait(POLLIN, stop.requested() ? std::min(last, look) : last);
        if (woken == Woken::late && Clock::now() >= last) return;
        const IoResult got = socket_.read(room);
        if (got.state == IoState::end || got.state == IoState::error) return;
    }
}

Conversation::Woken Conversation::wait_for_input() {
    return service_.stop().requested() ? Woken::stopped : wait(POLLIN, idle_due());
}

Clock::time_point Conversation::idle_due() const {
    const Clock::duration patience = service_.options().idle_timeout;
    return patience == Clock::duration::max() ? Clock::time_point::max()
                                              : later(Clock::now(), patience);
}

// For the socket, and for the stop unless that has come already.
Conversation::Woken Conversation::wait(short events, Clock::time_point due) {
    StopSign& stop = service_.stop();
    std::array<pollfd, 2> entries{{{socket_.fd(), events, 0}, {stop.fd(), POLLIN, 0}}};
    const nfds_t count = stop.requested() ? 1 : 2;
    for (;;) {
        timespec left{};
        const bool for_ever = due == Clock::time_point::max();
        if (!for_ever) left = to_timespec(std::max(due - Clock::now(), Clock::duration::zero()));
        const int ready = sys::ppoll(entries.data(), count, for_ever ? nullptr : &left, nullptr);
        if (ready == 0 || (ready < 0 && errno != EINTR)) return Woken::late;
        if (ready < 0) continue;
        if (entries[1].revents == 0) return Woken::ready;
        stop.notice();
        return Woken::stopped;
    }
}

void converse(Service& service, Socket socket) noexcept {
    try {
        Conversation{service, std::move(socket)}.run();
    } catch (...) {
        service.report_failure();
    }
}

} // namespace pollux
