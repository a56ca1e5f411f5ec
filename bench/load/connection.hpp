#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "fd.hpp"
#include "poller.hpp"
#include "protocol.hpp"

namespace load {

/// The bytes of one connection: what is to be sent, and when it is of interest that it is ready.
class Connection {
public:
    Connection(std::size_t index, Poller& poller, const Protocol& protocol)
        : index_(index), poller_(&poller), protocol_(&protocol) {}

    /// Takes a socket that may still be about to connect, and forgets the one before.
    void open(Fd socket);
    void close() noexcept { socket_.reset(); }
    bool is_open() const noexcept { return socket_.is_open(); }

    /// One more request is to be sent.
    void request() noexcept { queued_ += protocol_->request_size(); }
    /// Sends what there is room for now. Throws `Failure`, but not for a connection that the other
    /// side has ended: reading tells that, after what came before the end.
    void flush();

    struct Read {
        std::size_t count = 0; ///< 0 without an error: the server has closed.
        int error = 0;
    };
    Read receive(std::span<char> room) noexcept;

    /// Whether it is of interest that there is something to read.
    void reads(bool interested);

    std::uint64_t sent() const noexcept { return sent_; }
    std::uint64_t received() const noexcept { return received_; }

    /// "connection 3: " and what is wrong with it.
    [[noreturn]] void fail(const std::string& what) const;

private:
    void watch();

    std::size_t index_;
    Poller* poller_;
    const Protocol* protocol_;
    Fd socket_;
    std::uint64_t queued_ = 0; // positions in the stream: requests begun,
    std::uint64_t sent_ = 0;   // taken by the kernel
    std::uint64_t received_ = 0;
    bool reads_ = true;
    bool waits_for_room_ = false;
    std::uint32_t watched_ = 0;
};

} // namespace load
