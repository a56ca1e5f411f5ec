#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <pollux/bytes.hpp>
#include <pollux/event_loop.hpp>
#include <pollux/fd.hpp>
#include <pollux/net/address.hpp>
#include <pollux/net/socket.hpp>
#include <string_view>

namespace pollux {

class ConnectionSetCore;
struct AnyOrder;

/// Names a connection, for as long as anybody likes: `ConnectionSet::find` gives null once the
/// connection is gone, and no later connection has the same id.
enum class ConnectionId : std::uint64_t {};

/// Why a connection ended.
enum class CloseReason : std::uint8_t {
    closed,   ///< `close` was called, and what was sent has been delivered or cut by a deadline.
    peer,     ///< The peer ended its side, and nobody wanted to go on.
    error,    ///< A call failed: see `Closed::error`. A reset by the peer is ECONNRESET or EPIPE.
    aborted,  ///< `abort` was called.
    idle,     ///< Nothing came and nothing went for the idle timeout.
    deadline, ///< The connection's own deadline passed, or the time for a message.
    output_limit, ///< The peer reads too slowly: more was waiting than a limit allows.
    input_limit,  ///< The handler left more input than a limit allows.
    exception,    ///< A handler threw.
    stopped,      ///< The server, or the set it belongs to, is gone.
};
inline constexpr std::size_t close_reasons = 10;
/// "closed", "peer", "output_limit", …
std::string_view to_string(CloseReason reason) noexcept;

struct Closed {
    CloseReason reason;
    int error = 0; ///< An errno value when `reason` is `error`; else 0.
};

/// One end of a byte stream, as its handlers see it. It lives in a `ConnectionSet` (a `Server` has
/// one), which makes it, destroys it and calls the handlers; a reference is good until the handler
/// that was given it returns, and an id for ever. Everything belongs to the loop's thread.
class Connection {
public:
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    ConnectionId id() const noexcept;
    EventLoop& loop() const noexcept;
    int fd() const noexcept { return socket_.fd(); }
    /// getsockname(2) and getpeername(2): a system call each. Throw `std::system_error`.
    Address local() const { return socket_.local(); }
    Address peer() const { return socket_.peer(); }
    /// Ends the time of smaller limits (`AdmissionLimits`), and a deadline that was set meanwhile
    /// where these have a timeout. Once; later calls do nothing.
    void admit();

    /// The socket, for its options.
    Socket& socket() noexcept { return socket_; }

    /// Sends all of it, in order. What a handler sends on its own connection is gathered and leaves
    /// in one system call when the handler returns; from elsewhere it is written at once. What the
    /// kernel refuses waits in a buffer. False, and nothing is sent, once `close`, `abort` or
    /// `end` was called or the connection is gone; also when this call ends it, because of an error
    /// or because more than `output_limit` waits.
    bool send(ByteView bytes);
    bool send(std::string_view text) { return send(bytes_of(text)); }

    /// Sends `count` bytes of a regular file, from `offset` on, in order with what was sent before
    /// and is sent after; sendfile(2). False, and the file is closed, where `send` gives false.
    ///
    /// The file is the connection's, and is closed when the range is sent or the connection is
    /// gone; its own position is neither used nor moved. One visit sends a bounded part, and the
    /// others have their turn before the rest. File bytes are no memory, so `output_limit` does not
    /// count them; but until they are sent the connection does not read, as when it is over its
    /// high-water mark, and `on_drain` tells when that is over.
    ///
    /// The connection ends with an error when the file cannot give what was promised: ENODATA, it
    /// is shorter than the range; EINVAL or ESPIPE, it is a pipe or something else that sendfile(2)
    /// does not take; EBADF, EIO … Of a file that is not in memory the disk is waited for, and the
    /// whole loop waits with it.
    bool send_file(Fd file, std::uint64_t offset, std::uint64_t count);

    /// How many bytes were sent and not taken by the kernel yet, gathered ones and those of files
    /// included.
    std::uint64_t queued() const noexcept;

    /// Ends it in good order: nothing more is read, what was sent is delivered, the peer is told
    /// the end, and its own end is awaited, because a socket closed with unread input resets the
    /// peer, who then may lose the answer (RFC 1122 4.2.2.13). `linger_timeout` bounds how long the
    /// output may stand still, and then the wait for the peer. A connection that still connects is
    /// given up, unless something was sent: then it is connected, delivers that, and closes.
    void close();
    /// Ends it at once; what waits is lost.
    void abort();
    /// Ends the sending side after what was sent (half-close); reading goes on.
    void end();

    /// Takes no data until `resume_reading`. The kernel then slows the peer down.
    void pause_reading();
    void resume_reading();

    /// Ends the connection at that time whatever happens, `Clock::time_point::max()`: never. The
    /// idle timeout goes on as it was.
    void set_deadline(Clock::time_point when);

    /// The user's own: the library never looks at it.
    void* user = nullptr;

private:
    friend class ConnectionSetCore;
    template <class, std::size_t> friend class Slab;
    template <class> friend class DeadlineWheel;
    template <class, class> friend class SortedChain;
    enum class State : std::uint8_t { free, connecting, open, closing, lingering, gone };
    struct Rare;

    Connection() noexcept;
    ~Connection();
    AnyOrder order() const noexcept; // for the wheel

    // NOLINTBEGIN(readability-identifier-naming): the slab's and the wheel's names
    std::uint32_t generation = 1;
    std::uint32_t index = 0;
    Socket socket_;
    Connection* next = nullptr;  // in the wheel of deadlines
    Connection** link = nullptr; // so too
    Clock::time_point due{};
    // NOLINTEND(readability-identifier-naming)
    ConnectionSetCore* set_ = nullptr;
    std::unique_ptr<Rare> rare_; // what most connections need at no time
    Watch watch_;

    // What a visit has to look after. Mostly there is nothing of it, which is one comparison.
    struct Unusual {
        bool reading_paused : 1 = false; // by the user
        bool over_high_water : 1 = false;
        bool peer_ended : 1 = false;
        bool offer_again : 1 = false;  // resumed: kept input goes first
        bool starved : 1 = false;      // the kernel had no memory for the output
        bool watch_paused : 1 = false; // neither reading nor writing matters
        bool operator==(const Unusual&) const = default;
    };

    State state_ = State::free;
    Unusual unusual_;
    CloseReason reason_ = CloseReason::closed;
    Interest interest_ = Interest::read; // of the watch, unless it is paused
    std::uint16_t error_ = 0;
    bool ending_ : 1 = false; // `end` was called
    bool held_ : 1 = false;   // on_close has to wait
    bool ended_ : 1 = false;  // the peer has been told
    bool admitted_ : 1 = false;
    bool closes_ : 1 = false; // as soon as it is connected and has sent what waits
};

} // namespace pollux
