#include "instruments/tcp_socket.hpp"

#include <algorithm>
#include <cstring>
#include <netinet/in.h>
#include <poll.h>

namespace pollux::simulated {

TcpSocket::TcpSocket(World& world, int of_family)
    : StreamSocket{world, of_family, SOCK_STREAM, IPPROTO_TCP} {}

// tcp_poll
std::uint32_t TcpSocket::state() {
    if (phase == Phase::listening) return queue_.empty() ? 0 : POLLIN;
    std::uint32_t bits = 0;
    if ((receive_shut_ && send_shut_) || phase == Phase::fresh || phase == Phase::over)
        bits |= POLLHUP;
    if (receive_shut_) bits |= POLLIN | POLLRDHUP;
    if (phase != Phase::connecting) {
        const bool at_urgent = urgent_ != Urgent::none && urgent_at_ == taken_;
        const auto enough = static_cast<std::size_t>(std::max(option(SOL_SOCKET, SO_RCVLOWAT), 1));
        if (in_.size() >= enough + (at_urgent ? 1U : 0U)) bits |= POLLIN;
        if (send_shut_ || is_writable())
            bits |= POLLOUT;
        else
            no_space_ = true;
        if (urgent_ == Urgent::there) bits |= POLLPRI;
    }
    if (error != 0) bits |= POLLERR;
    return bits;
}

Result TcpSocket::listen(int backlog) {
    if (phase != Phase::fresh && phase != Phase::listening && phase != Phase::over) return -EINVAL;
    if (local.unnamed()) world().network.bind_to_any(*this);
    phase = Phase::listening;
    backlog_ = static_cast<std::size_t>(std::max(backlog, 0));
    return 0;
}

// --- connecting --------------------------------------------------------------------------------

Result TcpSocket::connect(const Address& to) {
    if (phase == Phase::connecting) return -EALREADY;
    if (phase == Phase::connected || phase == Phase::listening) return -EISCONN;
    if (to.family() != family) return -EAFNOSUPPORT;
    if (std::exchange(has_failed_to_connect_,
                      false)) // the next one begins anew (inet_stream_connect)
        return error != 0 ? -take_error() : -ECONNABORTED;
    world().network.bind_to_any(*this);
    local = source_of(local);
    peer_name = source_of(to);
    phase = Phase::connecting;
    receive_shut_ = send_shut_ = false;
    fin_out_ = fin_acknowledged_ = fin_arrived_ = false; // it may have been connected before
    leaves();
    if (!blocks(0)) return -EINPROGRESS;
    if (const Result waited = world().wait([&] { return phase != Phase::connecting; }); waited < 0)
        return waited == -EINTR ? -EINPROGRESS : waited;
    has_failed_to_connect_ = false;
    return -take_error();
}

// The request to connect arrives, and the answer is back.
void TcpSocket::knock() {
    StreamSocket* const found = world().network.choose_listener(peer_name);
    if (found == nullptr) {
        was_refused = true;
        get_reset();
        return;
    }
    auto& listener = static_cast<TcpSocket&>(*found);
    auto& accepted = world().make<TcpSocket>(family);
    accepted.local = peer_name;
    accepted.peer_name = local;
    accepted.phase = phase = Phase::connected;
    accepted.peer_ = this;
    accepted.inherit(listener);
    peer_ = &accepted;
    listener.enqueue(accepted);
    wake(0);
}

// --- sending -----------------------------------------------------------------------------------

bool TcpSocket::is_writable() const {
    const std::size_t room = squeezed_ ? 0 : send_buffer - std::min(out_.size(), send_buffer);
    return room >= out_.size() / 2 && room > 0;
}

std::size_t TcpSocket::room() const {
    if (phase != Phase::connected || send_shut_ || error != 0) return 0;
    const std::size_t limit = squeezed_.value_or(send_buffer);
    return limit - std::min(out_.size(), limit);
}

Result TcpSocket::send(ByteView bytes, int flags, const Address* /*to*/) {
    if (phase == Phase::connecting) {
        if (error != 0) return -take_error();
        if (!blocks(flags)) return -EAGAIN;
        if (const Result w = world().wait([&] { return phase != Phase::connecting; }); w < 0)
            return w;
    }
    if (phase != Phase::connected || send_shut_ || error != 0)
        return error != 0 ? -take_error() : -EPIPE;
    const std::size_t limit = squeezed_.value_or(send_buffer);
    if (out_.size() >= limit) {
        no_space_ = true;
        if (!blocks(flags)) return -EAGAIN;
        const auto has_room = [&] {
            return out_.size() < send_buffer || send_shut_ || phase != Phase::connected;
        };
        if (const Result waited = world().wait(has_room); waited < 0) return waited;
        return send(bytes, flags, nullptr);
    }
    std::size_t size = std::min(bytes.size(), limit - out_.size());
    if (world().options.vary.short_writes && size > 1 && !blocks(flags)) {
        if (const std::size_t part = world().part("bytes that a write takes", size); part < size) {
            size = part;
            squeezed_ = out_.size() + size;
        }
    }
    if (size < bytes.size()) no_space_ = true;
    out_.append(text_of(bytes.first(size)));
    if ((flags & MSG_OOB) != 0 && size == bytes.size() && size > 0) urgent_out_ = out_.size() - 1;
    leaves();
    return static_cast<Result>(size);
}

Result TcpSocket::shutdown(int how) {
    if (how < SHUT_RD || how > SHUT_RDWR) return -EINVAL;
    const bool reading = how != SHUT_WR;
    if (phase == Phase::fresh || phase == Phase::over) {
        if (reading) receive_shut_ = true;
        if (how != SHUT_RD) send_shut_ = true;
        wake(0);
        return -ENOTCONN;
    }
    if (phase == Phase::listening || phase == Phase::connecting) {
        if (phase == Phase::listening && !reading) return 0;
        for (StreamSocket* waiting : std::exchange(queue_, {}))
            static_cast<TcpSocket*>(waiting)->send_reset();
        phase = Phase::over;
        receive_shut_ = send_shut_ = false;
        wake(0);
        return 0;
    }
    if (reading) receive_shut_ = true;
    if (how != SHUT_RD && !send_shut_) {
        send_shut_ = true;
        said_all();
    }
    wake(0);
    return 0;
}

void TcpSocket::said_all() {
    if (fin_out_) return;
    fin_out_ = true;
    leaves();
}

// Something is to go to the other side: at once, or later when it is chosen so.
void TcpSocket::leaves() {
    if (!late_)
        late_ = can_arrive() ? world().odd(world().options.vary.late_arrival, "it arrives later")
                             : phase == Phase::connecting; // to be tried again
    if (late_)
        world().under_way(*this);
    else
        arrive_whole();
}

bool TcpSocket::can_arrive() const {
    if (phase == Phase::connecting) {
        const StreamSocket* const listener = world().network.some_listener(peer_name);
        return listener == nullptr || listener->has_room_in_queue();
    }
    if (peer_ == nullptr) return false;
    if (!out_.empty())
        return peer_->phase != Phase::connected || peer_->in_.size() < peer_->receive_buffer ||
               reset_out_;
    return reset_out_ || (fin_out_ && !fin_acknowledged_);
}

bool TcpSocket::is_over() const {
    return phase != Phase::connecting && out_.empty() && !reset_out_ &&
           (!fin_out_ || fin_acknowledged_);
}

void TcpSocket::arrive_whole() {
    while (can_arrive()) arrive_piece(std::string::npos);
}

void TcpSocket::arrive() {
    arrive_piece(out_.empty() ? 0 : world().part("bytes that arrive", out_.size()));
    if (is_over()) late_ = false;
}

void TcpSocket::arrive_piece(std::size_t most) {
    if (phase == Phase::connecting) return knock();
    TcpSocket& peer = *peer_;
    // Only a reset gets past what nobody takes; what had no room to be sent is lost.
    if (reset_out_ && peer.phase == Phase::connected && peer.in_.size() >= peer.receive_buffer) {
        out_.clear();
        urgent_out_.reset();
    }
    if (!out_.empty()) {
        const bool heard = peer.phase == Phase::connected && !(peer.receive_shut_ && peer.fin_out_);
        if (!heard) { // RFC 1122: who will not read says so
            if (urgent_out_ && peer.phase == Phase::connected)
                peer.get_urgent(peer.in_.size() + *urgent_out_, out_[*urgent_out_]);
            out_.clear();
            if (peer.phase == Phase::connected) peer.get_reset();
            return get_reset();
        }
        const std::size_t room = peer.receive_buffer - peer.in_.size();
        const std::size_t size = std::min({most, out_.size(), room});
        std::optional<std::size_t> urgent;
        if (urgent_out_ && *urgent_out_ < size) urgent = std::exchange(urgent_out_, std::nullopt);
        const std::string bytes = out_.substr(0, size);
        out_.erase(0, size);
        if (urgent_out_) *urgent_out_ -= size;
        peer.get(bytes, urgent);
        freed_room();
        return;
    }
    if (reset_out_) {
        reset_out_ = false;
        return peer.get_reset();
    }
    fin_acknowledged_ = true;
    peer.get_end();
    if (fin_arrived_) phase = Phase::over;
    if (fin_arrived_) receive_shut_ = send_shut_ = true;
    wake(0);
}

// sk_stream_write_space: only who was refused is told.
void TcpSocket::freed_room() {
    squeezed_.reset();
    if (!no_space_ || !is_writable()) return;
    no_space_ = false;
    wake(POLLOUT);
}

// --- receiving ---------------------------------------------------------------------------------

void TcpSocket::get(std::string_view bytes, std::optional<std::size_t> urgent) {
    if (urgent) get_urgent(in_.size() + *urgent, bytes[*urgent]);
    in_.append(bytes);
    wake(POLLIN | POLLPRI);
}

void TcpSocket::get_urgent(std::size_t place, char byte) {
    const std::uint64_t at = taken_ + place;
    // The urgent byte before it, if nobody took it, is passed over (tcp_check_urg).
    if (urgent_ != Urgent::none && urgent_at_ == taken_ && !in_.empty()) {
        in_.erase(0, 1);
        ++taken_;
    }
    urgent_ = Urgent::there;
    urgent_at_ = at;
    urgent_byte_ = byte;
}

void TcpSocket::get_end() {
    if (phase != Phase::connected) return;
    fin_arrived_ = true;
    receive_shut_ = true;
    if (fin_acknowledged_) {
        phase = Phase::over;
        send_shut_ = true;
    }
    wake(0);
}

void TcpSocket::get_reset() {
    if (phase != Phase::connected && phase != Phase::connecting) return;
    const bool was_connecting = phase == Phase::connecting;
    has_failed_to_connect_ = was_connecting;
    if (!was_connecting) was_reset = true;
    error = was_connecting ? ECONNREFUSED : fin_arrived_ && !send_shut_ ? EPIPE : ECONNRESET;
    out_.clear();
    urgent_out_.reset();
    fin_acknowledged_ = true;
    squeezed_.reset();
    phase = Phase::over;
    receive_shut_ = send_shut_ = true;
    wake(0);
    wake(POLLERR);
}

void TcpSocket::send_reset() {
    phase = Phase::over;
    receive_shut_ = send_shut_ = true;
    fin_acknowledged_ = true;
    if (peer_ == nullptr) return;
    if (late_ && !out_.empty() &&
        world().odd(world().options.vary.late_arrival, "what is under way is lost by a reset"))
        out_.clear();
    if (!late_) out_.clear();
    reset_out_ = true;
    leaves();
}

void TcpSocket::reset() {
    resets_on_close = true;
    release();
}

void TcpSocket::release() {
    gone_ = true;
    world().network.unbind(*this);
    if (phase == Phase::listening) {
        for (StreamSocket* waiting : std::exchange(queue_, {}))
            static_cast<TcpSocket*>(waiting)->send_reset();
        phase = Phase::over;
    } else if (phase == Phase::connecting) {
        phase = Phase::over;
    } else if (phase == Phase::connected) {
        if (!in_.empty() || resets_on_close) return send_reset();
        receive_shut_ = send_shut_ = true;
        said_all();
    }
}

Result TcpSocket::nothing_to_take() const {
    if (fin_arrived_) return 0;
    if (error != 0) return -error;
    if (receive_shut_) return 0;
    return phase == Phase::connected || phase == Phase::connecting ? -EAGAIN : -ENOTCONN;
}

Result TcpSocket::receive(Writable into, int flags, Envelope& envelope) {
    if (phase == Phase::listening) return -ENOTCONN;
    const bool only_look = (flags & MSG_PEEK) != 0;
    if ((flags & MSG_OOB) != 0) return take_urgent(into, only_look);
    if (const Result count = take(into, only_look); count > 0 || into.empty()) return count;
    const Result nothing = nothing_to_take();
    if (nothing == -EAGAIN && blocks(flags)) {
        const auto has_news = [&] { return !in_.empty() || nothing_to_take() != -EAGAIN; };
        if (const Result waited = world().wait(has_news); waited < 0) return waited;
        return receive(into, flags, envelope);
    }
    if (nothing < 0 && nothing != -EAGAIN && error != 0) error = 0;
    return nothing;
}

Result TcpSocket::take_urgent(Writable into, bool only_look) {
    if (urgent_ == Urgent::none || urgent_ == Urgent::taken ||
        option(SOL_SOCKET, SO_OOBINLINE) != 0)
        return -EINVAL;
    if (phase != Phase::connected && !fin_arrived_) return -ENOTCONN;
    if (into.empty()) return 0;
    into[0] = static_cast<std::byte>(urgent_byte_);
    if (!only_look) urgent_ = Urgent::taken;
    return 1;
}

// tcp_recvmsg: a read stops at the urgent byte, and the next one steps over it.
Result TcpSocket::take(Writable into, bool only_look) {
    const bool in_line = option(SOL_SOCKET, SO_OOBINLINE) != 0;
    std::size_t copied = 0;
    std::size_t place = 0; // in in_
    Urgent urgent = urgent_;
    while (copied < into.size() && place < in_.size()) {
        std::size_t used = std::min(in_.size() - place, into.size() - copied);
        if (urgent != Urgent::none && urgent_at_ >= taken_ + place) {
            const std::uint64_t ahead = urgent_at_ - taken_ - place;
            if (ahead == 0 && copied > 0) break;
            if (ahead == 0 && !in_line) {
                ++place;
                --used;
            } else if (ahead > 0) {
                used = std::min(used, static_cast<std::size_t>(ahead));
            }
        }
        std::memcpy(into.data() + copied, in_.data() + place, used);
        place += used;
        copied += used;
        if (urgent != Urgent::none && taken_ + place > urgent_at_) urgent = Urgent::none;
    }
    if (only_look || place == 0) return static_cast<Result>(copied);
    in_.erase(0, place);
    taken_ += place;
    urgent_ = urgent;
    if (peer_ != nullptr && !peer_->late_) peer_->leaves();
    return static_cast<Result>(copied);
}

// tcp_ioctl: as far as the urgent byte.
Result TcpSocket::in_queue() const {
    if (phase == Phase::listening) return -EINVAL;
    const bool stops = urgent_ != Urgent::none && urgent_at_ >= taken_;
    return static_cast<Result>(stops ? std::min<std::uint64_t>(urgent_at_ - taken_, in_.size())
                                     : in_.size());
}

std::string TcpSocket::text() const {
    const std::string text = "tcp " + local.to_string();
    if (phase == Phase::listening) return text + " listening";
    return peer_name.unnamed() ? text : text + " -> " + peer_name.to_string();
}

} // namespace pollux::simulated
