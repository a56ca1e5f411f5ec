#pragma once

// A Unix stream socket, by the rules of Linux' net/unix/af_unix.c. There is no network between the
// two: what is written is at the other end at once.

#include <deque>
#include <string>

#include "instruments/simulated_socket.hpp"

namespace pollux::simulated {

class UnixSocket final : public StreamSocket {
public:
    explicit UnixSocket(World& world);
    static void join(UnixSocket& one, UnixSocket& other);

    std::uint32_t state() override;
    Result listen(int backlog) override;
    Result connect(const Address& to) override;
    Result shutdown(int how) override;
    Result send(ByteView bytes, int flags, const Address* to) override;
    Result receive(Writable into, int flags, Envelope& envelope) override;
    void release() override;
    void reset() override { release(); }
    std::size_t room() const override;
    std::string text() const override;
    bool is_at_end() const override { return receive_shut_ && in_.empty(); }
    Result in_queue() const override { return static_cast<Result>(in_.size()); }
    std::size_t unread() const override { return in_.size(); }

private:
    bool is_writable() const { return 4 * used_ <= send_buffer && !squeezed_; }
    Result nothing_to_take();
    void took(std::size_t size);

    UnixSocket* peer_ = nullptr;
    bool gone_ = false;
    std::string in_;
    std::deque<std::size_t> pieces_; // of in_, as they were written
    std::size_t used_ = 0;           // of the send buffer: what the peer has not read, and more
    bool squeezed_ = false;          // takes nothing until the peer reads
};

} // namespace pollux::simulated
