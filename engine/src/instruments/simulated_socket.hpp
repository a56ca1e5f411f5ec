#pragma once

// What all simulated sockets have: a name, options, an error that waits to be asked for.

#include <map>
#include <pollux/net/address.hpp>
#include <sys/socket.h>
#include <utility>

#include "instruments/world.hpp"

namespace pollux::simulated {

/// What a receiver is told beside the bytes.
struct Envelope {
    Address from;
    std::size_t whole_size = 0; // of a datagram; larger than what was read: truncated
};

class Socket : public OpenFile {
public:
    Socket(World& world, int family, int type, int protocol);

    virtual Result bind(const Address& to);
    virtual Result listen(int /*backlog*/) { return -EOPNOTSUPP; }
    virtual Result accept(Socket*& /*accepted*/) { return -EOPNOTSUPP; }
    virtual Result connect(const Address& to) = 0;
    virtual Result shutdown(int how) = 0;
    virtual Result send(ByteView bytes, int flags, const Address* to) = 0;
    virtual Result receive(Writable into, int flags, Envelope& envelope) = 0;
    virtual bool has_peer() const = 0;
    virtual bool is_listening() const { return false; }

    Result read(Writable into, int flags) override;
    Result write(ByteView bytes, int flags) override { return send(bytes, flags, nullptr); }

    Result get_option(int level, int name, void* value, socklen_t* size);
    Result set_option(int level, int name, const void* value, socklen_t size);
    int option(int level, int name) const;
    /// What an accepted socket has from the one that listened.
    void inherit(const Socket& listener);
    int take_error() noexcept { return std::exchange(error, 0); }
    void fail(int with) noexcept { error = with; }

    const int family;
    const int type;
    const int protocol;
    Address local;
    Address peer_name;
    int error = 0; // SO_ERROR
    std::size_t send_buffer;
    std::size_t receive_buffer;
    bool resets_on_close = false; // SO_LINGER with no time

private:
    std::map<std::pair<int, int>, int> options_;
};

/// TCP and Unix streams.
class StreamSocket : public Socket {
public:
    using Socket::Socket;
    enum class Phase : std::uint8_t { fresh, listening, connecting, connected, over };

    Result accept(Socket*& accepted) override;
    bool is_listening() const override { return phase == Phase::listening; }
    bool has_peer() const override { return phase == Phase::connected; }
    virtual bool is_at_end() const = 0;
    virtual std::size_t unread() const = 0;
    std::uint32_t may_be_spurious() const override;
    virtual void reset() = 0;
    /// How much `send` would take now, if it takes all it can.
    virtual std::size_t room() const = 0;
    std::size_t waiting() const noexcept { return queue_.size(); }
    bool has_room_in_queue() const noexcept { return queue_.size() <= backlog_; }

    Phase phase = Phase::fresh;
    bool was_refused = false;
    bool was_reset = false;

protected:
    /// A client is there for those who accept.
    void enqueue(StreamSocket& client);

    std::vector<StreamSocket*> queue_;
    std::size_t backlog_ = 0;
    bool receive_shut_ = false;
    bool send_shut_ = false;
};

} // namespace pollux::simulated
