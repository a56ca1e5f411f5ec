#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <pollux/event_loop.hpp>
#include <pollux/net/address.hpp>
#include <pollux/net/socket.hpp>
#include <pollux/stream/connection.hpp>

namespace pollux {

/// What is called for the connections of a set: held once, however many there are. Each may be
/// empty. All run on the loop's thread. In any of them anything may be done to any connection, and
/// the set itself may be destroyed.
///
/// An exception thrown by one closes its connection (`CloseReason::exception`) and goes to
/// `on_error`, or where that is empty out of the call that led to it: mostly `EventLoop::run`.
struct ConnectionHandlers {
    /// It is connected. Nothing has been read yet.
    UniqueFunction<void(Connection&)> on_open{};

    /// Data came. Returns how many bytes it took, from the front, never more than there are
    /// (assert); where this is empty all is read and thrown away. The rest is kept and offered
    /// again, in front of what follows. The bytes are valid until it returns, and may lie in
    /// `EventLoop::scratch`, which is taken while it runs.
    UniqueFunction<std::size_t(Connection&, ByteView)> on_data{};

    /// The peer ended its side; what was not taken is lost. Sending is still possible: `close`
    /// when done. Where this is empty the connection is closed (`CloseReason::peer`) after what
    /// was sent is delivered.
    UniqueFunction<void(Connection&)> on_end{};

    /// What waited went over the high-water mark and is now down to the low-water mark; or a file
    /// waited (`Connection::send_file`) and is now sent.
    UniqueFunction<void(Connection&)> on_drain{};

    /// It is over: called exactly once for each connection that was made. The socket is still
    /// there to be asked, unless it never connected; nothing can be sent. It must not throw while
    /// the set is destroyed.
    UniqueFunction<void(Connection&, const Closed&)> on_close{};

    /// An exception of one of the above, after its connection was closed.
    UniqueFunction<void(std::exception_ptr)> on_error{};
};

/// Smaller limits for who has not shown yet who they are, beside the ordinary ones. They hold from
/// the moment a connection is open until `Connection::admit`.
struct AdmissionLimits {
    /// Who is not admitted for so long is closed (`CloseReason::deadline`), whatever comes and
    /// goes.
    Clock::duration timeout = Clock::duration::max();
    std::size_t input_limit = static_cast<std::size_t>(-1);
    std::size_t output_limit = static_cast<std::size_t>(-1);
};

/// How the connections of a set behave.
struct ConnectionOptions {
    Trigger trigger = Trigger::level; ///< Not exclusive.
    /// Reads in one visit; the others have their turn before the rest.
    int reads_per_visit = 4;
    /// Bytes asked for in one read, 1 to 64 KiB: `on_data` gets no more new ones at once. Less than
    /// 64 KiB costs more calls for the same bytes.
    std::size_t read_size = std::size_t{1} << 16;
    /// Reads on after a read that gave less than was asked for, until one would block: for a socket
    /// of which a short read does not prove that it is empty, as one that gives a record at a time
    /// (kernel TLS). Costs one more read in each visit, which finds nothing. Of streams over TCP
    /// and Unix sockets a short read proves it (epoll(7), question 9), and where more than bytes
    /// may wait (the peer's end, an urgent byte) a connection reads on by itself.
    bool read_until_would_block = false;
    /// Writes in one visit, of which level and one-shot triggers need one; and 64 KiB for each of
    /// them is what a visit sends of a file. The others have their turn before the rest.
    int writes_per_visit = 4;

    /// With more than `high_water` bytes waiting to be sent a connection stops reading, and goes on
    /// when `low_water` is reached: a peer that does not read is not read from.
    std::size_t high_water = std::size_t{1} << 20; // 1 MiB
    std::size_t low_water = std::size_t{1} << 18;  // 256 KiB
    /// It does not stop: for a client. Where both sides stop, each waits for the other to read.
    /// Let `on_drain` tell when to send more.
    bool read_over_high_water = false;
    /// More bytes than this waiting close the connection. Bytes of files count in none of these.
    std::size_t output_limit = std::size_t{1} << 24; // 16 MiB
    /// More bytes than this left by `on_data` close the connection.
    std::size_t input_limit = std::size_t{1} << 20; // 1 MiB
    /// Of all connections of the set together: when more bytes than this wait, to be sent or left
    /// by handlers, the one with the most is closed for its limit, and the next until it is enough.
    /// Buffers grow by doubling, so that the memory may be twice as much.
    std::size_t waiting_limit = std::size_t{1} << 28; // 256 MiB

    /// Before a login, say.
    AdmissionLimits admission{};

    /// A connection on which nothing came and nothing went for so long is closed.
    Clock::duration idle_timeout = Clock::duration::max();
    /// What `on_data` left is the beginning of a message. When nothing of it was taken for so long,
    /// however it dribbles in, the connection is closed (`CloseReason::deadline`). Time in which it
    /// does not read does not count.
    Clock::duration message_timeout = std::chrono::minutes{1};
    /// How long `close` waits while the output makes no progress, and then for the peer to end.
    Clock::duration linger_timeout = std::chrono::seconds{5};
};

/// What the connections of a set did, all together.
struct ConnectionStats {
    std::uint64_t opened = 0;
    std::uint64_t received = 0;                        ///< Bytes.
    std::uint64_t sent = 0;                            ///< Bytes taken by the kernel.
    std::array<std::uint64_t, close_reasons> closed{}; ///< By `CloseReason`.
};

/// Connections that share handlers and limits, on one loop: those of a server, or a program's own
/// connections to others. Destroying it ends them all (`CloseReason::stopped`); nothing is called
/// after that. It must be destroyed before its loop.
class ConnectionSet {
public:
    /// Throws `std::system_error` (ENOTSUP) when the loop does not have the trigger, and
    /// `std::invalid_argument` for `Trigger::exclusive`, which is for listeners, and when
    /// `reads_per_visit` or `writes_per_visit` is not positive, or `read_size` is not 1 to 64 KiB.
    ConnectionSet(EventLoop& loop, ConnectionHandlers handlers, ConnectionOptions options = {});
    ~ConnectionSet();
    ConnectionSet(const ConnectionSet&) = delete;
    ConnectionSet& operator=(const ConnectionSet&) = delete;

    /// Makes a connection of a connected socket; `on_open` is called before this returns. Throws
    /// `std::system_error` when it cannot be watched; the socket is closed then.
    ConnectionId adopt(Socket socket);

    /// Begins to connect. `on_open` follows, or `on_close` with the reason; what is sent before
    /// that waits. `timeout` passed is the error ETIMEDOUT. Throws only std::bad_alloc and what
    /// making a timer throws.
    ConnectionId connect(const Address& address,
                         Clock::duration timeout = std::chrono::seconds{30});

    /// Null when it is gone.
    Connection* find(ConnectionId id) noexcept;
    /// The bytes that wait in all of them: see `ConnectionOptions::waiting_limit`.
    std::size_t waiting() const noexcept;
    /// How many there are, those that connect or linger included.
    std::size_t size() const noexcept;
    /// Calls `visit` with each connection that there is now and still at its turn. Allocates
    /// nothing once it was called with so many.
    template <class Visit> void for_each(Visit visit) {
        visit_each([&visit](Connection& connection) { visit(connection); });
    }

    /// Called after each `on_close`, when the connection is gone from `find` and `size`.
    void set_on_gone(Task on_gone);

    const ConnectionStats& stats() const noexcept;
    EventLoop& loop() const noexcept;

private:
    void visit_each(UniqueFunction<void(Connection&)> visit);

    ConnectionSetCore* core_;
};

} // namespace pollux
