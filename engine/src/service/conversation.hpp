#pragma once

#include <chrono>
#include <pollux/net/socket.hpp>
#include <pollux/service/session.hpp>
#include <pollux/stream/buffer.hpp>

#include "service/service.hpp"
#include "service/session_link.hpp"

namespace pollux {

/// Whether nothing is on its way in either direction: all that was sent has come to the peer's
/// kernel, and nothing waits to be read. Once the end was sent a plain close then loses nothing:
/// whoever sends into it is reset, and can still read all there was.
bool is_settled(Socket& socket) noexcept;
/// How often to look for that, when it is to stop.
inline constexpr std::chrono::milliseconds settled_look{10};

/// A session with its client, in a thread or process that waits for that one client.
class Conversation final : public SessionLink {
public:
    Conversation(Service& service, Socket socket);

    /// Returns when it is over. Throws what the session throws.
    void run();

private:
    enum class State : std::uint8_t { open, closing, broken };
    enum class Woken : std::uint8_t { ready, stopped, late };

    bool send(ByteView bytes) override;
    void close() override;
    Address peer() const override { return socket_.peer(); }

    void listen_to(Session& session);
    void offer(Session& session, ByteView bytes);
    void flush();
    void end_in_good_order();
    Woken wait_for_input();
    Woken wait(short events, Clock::time_point due);
    Clock::time_point idle_due() const;

    Service& service_;
    Socket socket_;
    State state_ = State::open;
    bool peer_ended_ = false;
    Buffer input_; // what the session left
    Buffer output_;
};

/// The same from the first to the last, whatever happens in it.
void converse(Service& service, Socket socket) noexcept;

} // namespace pollux
