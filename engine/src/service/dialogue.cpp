#include "service/dialogue.hpp"

#include <cassert>
#include <linux/sockios.h>

#include "sys.hpp"

namespace pollux {

bool is_settled(Socket& socket) noexcept {
    std::byte byte{};
    int unsent = 0;
    return socket.receive({&byte, 1}, MSG_PEEK).state == IoState::would_block &&
           sys::ioctl(socket.fd(), SIOCOUTQ, &unsent) == 0 && unsent == 0;
}

Dialogue::Dialogue(Service& service, Socket& socket)
    : socket_{socket},
      input_limit_{service.options().input_limit},
      session_{service.make_session(*this)} {}

void Dialogue::take(const IoResult& got, ByteView bytes) {
    if (got.state == IoState::ok) {
        offer(bytes.first(got.bytes));
    } else if (got.state == IoState::end) {
        peer_ended_ = true;
        input_.release();
        session_->on_end();
        close();
    } else if (got.state == IoState::error) {
        give_up();
    }
}

void Dialogue::offer(ByteView bytes) {
    const bool kept = !input_.empty();
    if (kept) input_.append(bytes);
    const ByteView offered = kept ? input_.view() : bytes;
    const std::size_t taken = session_->on_data(offered);
    assert(taken <= offered.size());
    if (kept)
        input_.consume(taken);
    else
        input_.append(bytes.subspan(taken));
    if (input_.empty()) input_.release();
    if (is_open() && input_.size() > input_limit_) give_up();
}

bool Dialogue::flush() noexcept {
    while (!output_.empty() && !is_broken()) {
        const IoResult sent = socket_.write(output_.view());
        if (sent.state == IoState::would_block) return false;
        if (sent.state == IoState::error) give_up();
        output_.consume(sent.bytes);
    }
    output_.release();
    return true;
}

bool Dialogue::send(ByteView bytes) {
    if (!is_open()) return false;
    output_.append(bytes);
    return true;
}

void Dialogue::close() {
    if (is_open()) state_ = State::closing;
}

} // namespace pollux
