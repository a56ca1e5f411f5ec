#include "service/conversation.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "sys.hpp"
#include "timespec.hpp"

namespace pollux {
namespace {

Clock::time_point after(Clock::duration patience) {
    return patience == Clock::duration::max() ? Clock::time_point::max()
                                              : later(Clock::now(), patience);
}

} // namespace

// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
Conversation::Conversation(Service& service, Socket socket)
    : service_{service}, socket_{std::move(socket)}, dialogue_{service, socket_} {}

void Conversation::run() {
    dialogue_.open();
    flush();
    listen();
    end_in_good_order();
}

// When it is to stop it looks once more: what has arrived is answered.
void Conversation::listen() {
    Woken woken = Woken::ready;
    while (dialogue_.is_open() && woken == Woken::ready) {
        woken = wait_for_input();
        const IoResult got = socket_.read(room_);
        if (got.state == IoState::would_block && woken == Woken::late) dialogue_.give_up();
        dialogue_.take(got, room_);
        flush();
    }
}

// Waits for a client that does not read: nobody else is kept waiting by that.
void Conversation::flush() {
    StopSign& stop = service_.stop();
    while (!dialogue_.flush()) {
        const bool stopping = stop.requested();
        const Clock::time_point due = after(dialogue_.patience());
        if (wait(POLLOUT, stopping ? std::min(due, stop.due()) : due, stopping) == Woken::late)
            dialogue_.give_up();
    }
}

// A socket closed with unread input resets its peer, who then may lose the answer (RFC 1122
// 4.2.2.13): so the peer is told the end, and what still comes is read until it ends too. When it
// is to stop a peer that knows and says nothing is not waited for.
void Conversation::end_in_good_order() {
    StopSign& stop = service_.stop();
    if (dialogue_.is_broken() || dialogue_.peer_ended()) return;
    socket_.shutdown_write();
    const Clock::time_point due = after(dialogue_.patience());
    for (;;) {
        const bool stopping = stop.requested();
        if (stopping && is_settled(socket_)) return;
        const Clock::time_point last = stopping ? std::min(due, stop.due()) : due;
        const Clock::time_point look = after(settled_look);
        const Woken woken = wait(POLLIN, stopping ? std::min(last, look) : last, stopping);
        if (woken == Woken::late && Clock::now() >= last) return;
        const IoResult got = socket_.read(room_);
        if (got.state == IoState::end || got.state == IoState::error) return;
    }
}

Conversation::Woken Conversation::wait_for_input() {
    if (service_.stop().requested()) return Woken::stopped;
    return wait(POLLIN, after(dialogue_.patience()), false);
}

// For the socket, and for the stop unless the caller has seen it. It is asked once, by the caller:
// a stop that comes after `due` was chosen must end the wait.
Conversation::Woken Conversation::wait(short events, Clock::time_point due, bool stopping) {
    StopSign& stop = service_.stop();
    std::array<pollfd, 2> entries{{{socket_.fd(), events, 0}, {stop.fd(), POLLIN, 0}}};
    const nfds_t count = stopping ? 1 : 2;
    for (;;) {
        timespec left{};
        const bool for_ever = due == Clock::time_point::max();
        if (!for_ever) left = to_timespec(std::max(due - Clock::now(), Clock::duration::zero()));
        const int ready = sys::ppoll(entries.data(), count, for_ever ? nullptr : &left, nullptr);
        if (ready == 0 || (ready < 0 && errno != EINTR)) return Woken::late;
        if (ready < 0) continue;
        if (entries[1].revents != 0 && stop.notice()) return Woken::stopped;
        if (entries[0].revents != 0) return Woken::ready;
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
