#include "instruments/unix_socket.hpp"

#include <algorithm>
#include <cstring>
#include <poll.h>

namespace pollux::simulated {
namespace {

// What a piece costs beside its bytes.
constexpr std::size_t overhead = 512;

} // namespace

UnixSocket::UnixSocket(World& world) : StreamSocket{world, AF_UNIX, SOCK_STREAM, 0} {}

void UnixSocket::join(UnixSocket& one, UnixSocket& other) {
    one.peer_ = &other;
    other.peer_ = &one;
    one.phase = other.phase = Phase::connected;
}

// unix_poll
std::uint32_t UnixSocket::state() {
    if (phase == Phase::listening) return queue_.empty() ? 0 : POLLIN;
    std::uint32_t bits = 0;
    if (error != 0) bits |= POLLERR;
    if ((receive_shut_ && send_shut_) || phase != Phase::connected) bits |= POLLHUP;
    if (receive_shut_) bits |= POLLRDHUP | POLLIN;
    if (!in_.empty()) bits |= POLLIN;
    if (is_writable()) bits |= POLLOUT;
    return bits;
}

Result UnixSocket::listen(int backlog) {
    if (local.unnamed() || (phase != Phase::fresh && phase != Phase::listening)) return -EINVAL;
    phase = Phase::listening;
    backlog_ = static_cast<std::size_t>(std::max(backlog, 0));
    return 0;
}

Result UnixSocket::connect(const Address& to) {
    if (phase == Phase::connected || phase == Phase::listening) return -EISCONN;
    if (to.family() != AF_UNIX) return -EINVAL;
    was_refused = true;
    auto* listener = static_cast<UnixSocket*>(world().network.choose_listener(to));
    if (listener == nullptr)
        return to.path().empty() || world().network.has_path(to.path()) ? -ECONNREFUSED : -ENOENT;
    if (!listener->has_room_in_queue()) {
        if (!blocks(0)) return -EAGAIN;
        const auto may_enter = [&] { return listener->has_room_in_queue(); };
        if (const Result waited = world().wait(may_enter); waited < 0) return waited;
        return connect(to); // or it is closed by now
    }
    was_refused = false;
    auto& accepted = world().make<UnixSocket>();
    join(*this, accepted);
    peer_name = accepted.local = listener->local;
    accepted.peer_name = local;
    listener->enqueue(accepted);
    wake(POLLOUT);
    return 0;
}

Result UnixSocket::shutdown(int how) {
    if (how < SHUT_RD || how > SHUT_RDWR) return -EINVAL;
    const bool reading = how != SHUT_WR;
    const bool writing = how != SHUT_RD;
    receive_shut_ = receive_shut_ || reading;
    send_shut_ = send_shut_ || writing;
    wake(0);
    if (peer_ != nullptr && phase == Phase::connected) {
        peer_->send_shut_ = peer_->send_shut_ || reading;
        peer_->receive_shut_ = peer_->receive_shut_ || writing;
        peer_->wake(0);
    }
    return 0;
}

std::size_t UnixSocket::room() const {
    if (peer_ == nullptr || send_shut_ || squeezed_ || error != 0) return 0;
    return send_buffer - std::min(used_, send_buffer);
}

Result UnixSocket::send(ByteView bytes, int flags, const Address* /*to*/) {
    if ((flags & MSG_OOB) != 0) return -EOPNOTSUPP;
    if (peer_ == nullptr) return -ENOTCONN;
    std::size_t written = 0;
    if (send_shut_) return -EPIPE;
    const std::size_t largest = send_buffer / 2 - 64;
    std::size_t wanted = bytes.size();
    if (world().options.vary.short_writes && wanted > 1 && !blocks(flags) && used_ < send_buffer &&
        !squeezed_)
        wanted = world().part("bytes that a write takes", wanted);
    while (written < wanted) {
        if (error != 0) return -take_error();
        if (used_ >= send_buffer || squeezed_) {
            if (written > 0 || !blocks(flags))
                return written > 0 ? static_cast<Result>(written) : -EAGAIN;
            const auto has_room = [&] { return used_ < send_buffer || send_shut_; };
            if (const Result waited = world().wait(has_room); waited < 0) return waited;
            if (send_shut_) return -EPIPE;
        }
        const std::size_t size = std::min({wanted - written, largest, std::size_t{32768}});
        peer_->in_.append(text_of(bytes.subspan(written, size)));
        peer_->pieces_.push_back(size);
        used_ += size + overhead;
        written += size;
        squeezed_ = written == wanted && wanted < bytes.size();
        peer_->wake(POLLIN | POLLPRI);
    }
    return static_cast<Result>(written);
}

Result UnixSocket::nothing_to_take() {
    if (error != 0) return -take_error();
    if (receive_shut_) return 0;
    return -EAGAIN;
}

Result UnixSocket::receive(Writable into, int flags, Envelope& envelope) {
    if ((flags & MSG_OOB) != 0) return -EOPNOTSUPP;
    if (phase != Phase::connected) return -EINVAL;
    if (in_.empty() && !into.empty()) {
        const Result nothing = nothing_to_take();
        if (nothing != -EAGAIN || !blocks(flags)) return nothing;
        const auto has_news = [&] { return !in_.empty() || receive_shut_ || error != 0; };
        if (const Result waited = world().wait(has_news); waited < 0) return waited;
        return receive(into, flags, envelope);
    }
    const std::size_t size = std::min(into.size(), in_.size());
    std::memcpy(into.data(), in_.data(), size);
    if ((flags & MSG_PEEK) == 0) took(size);
    return static_cast<Result>(size);
}

// The writer has its room back, and hears of it, with each piece that is read to its end.
void UnixSocket::took(std::size_t size) {
    in_.erase(0, size);
    while (size > 0) {
        const std::size_t part = std::min(size, pieces_.front());
        pieces_.front() -= part;
        size -= part;
        if (peer_ != nullptr) peer_->used_ -= part;
        if (pieces_.front() > 0) break;
        pieces_.pop_front();
        if (peer_ == nullptr) continue;
        peer_->used_ -= overhead;
        peer_->squeezed_ = false;
        if (peer_->is_writable()) peer_->wake(POLLOUT);
    }
}

void UnixSocket::release() {
    if (std::exchange(gone_, true)) return;
    world().network.unbind(*this);
    for (StreamSocket* waiting : std::exchange(queue_, {})) {
        auto& client = *static_cast<UnixSocket*>(waiting);
        if (client.peer_ != nullptr) {
            client.peer_->error = ECONNRESET;
            client.peer_->was_reset = true;
        }
        client.release();
    }
    if (peer_ != nullptr && !peer_->gone_) {
        peer_->receive_shut_ = peer_->send_shut_ = true;
        if (!in_.empty()) {
            peer_->error = ECONNRESET;
            peer_->was_reset = true;
        }
        peer_->used_ = 0; // what was not read is thrown away
        peer_->squeezed_ = false;
        peer_->wake(0);
    }
    phase = Phase::over;
}

std::string UnixSocket::text() const {
    std::string text = "unix";
    if (!local.unnamed()) text += " " + local.to_string();
    if (phase == Phase::listening) return text + " listening";
    return peer_name.unnamed() ? text : text + " -> " + peer_name.to_string();
}

} // namespace pollux::simulated
