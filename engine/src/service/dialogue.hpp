#pragma once

#include <memory>
#include <pollux/net/socket.hpp>
#include <pollux/stream/buffer.hpp>

#include "service/service.hpp"
#include "service/session_link.hpp"

namespace pollux {

/// A session and what lies between it and its socket: input it has not taken, output that has not
/// left. It never waits; whoever holds it does, each in its own way. What the session throws leaves
/// the call that led to it.
class Dialogue final : public SessionLink {
public:
    /// The socket stays the caller's.
    Dialogue(Service& service, Socket& socket);

    void open() { session_->on_open(); }
    /// What a read gave: bytes for the session, the end, an error, or nothing.
    void take(const IoResult& got, ByteView bytes);
    /// Writes what the kernel takes now. False: there is more, and it will be writable.
    bool flush() noexcept;
    /// It is over, whatever is left.
    void give_up() noexcept { state_ = State::broken; }

    /// Whether the session wants more input.
    bool is_open() const noexcept { return state_ == State::open; }
    bool is_broken() const noexcept { return state_ == State::broken; }
    bool peer_ended() const noexcept { return peer_ended_; }

private:
    enum class State : std::uint8_t { open, closing, broken };

    bool send(ByteView bytes) override;
    void close() override;
    Address peer() const override { return socket_.peer(); }
    void offer(ByteView bytes);

    Socket& socket_;
    std::size_t input_limit_;
    State state_ = State::open;
    bool peer_ended_ = false;
    Buffer input_; // what the session left
    Buffer output_;
    std::unique_ptr<Session> session_;
};

/// Whether nothing is on its way in either direction: all that was sent has come to the peer's
/// kernel, and nothing waits to be read. Once the end was sent a plain close then loses nothing:
/// whoever sends into it is reset, and can still read all there was.
bool is_settled(Socket& socket) noexcept;
/// How often to look for that, when it is to stop: no event tells of it.
inline constexpr std::chrono::milliseconds settled_look{10};

} // namespace pollux
