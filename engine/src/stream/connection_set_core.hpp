#pragma once

// What the connections of a set share. It outlives the set while one of its callbacks runs.

#include <exception>
#include <optional>
#include <pollux/stream/buffer.hpp>
#include <pollux/stream/connection_set.hpp>
#include <pollux/stream/connector.hpp>
#include <vector>

#include "deadline_heap.hpp"
#include "slab.hpp"

namespace pollux {

/// What most connections need at no time.
struct Connection::Rare {
    Buffer output; // what the kernel refused
    Buffer input;  // what the handler left
    Clock::time_point deadline = Clock::time_point::max();
    std::optional<Connector> connector;

    bool useless() const noexcept {
        return output.empty() && input.empty() && deadline == Clock::time_point::max() &&
               !connector;
    }
};

inline AnyOrder Connection::order() const noexcept { return {}; }

class ConnectionSetCore {
public:
    ConnectionSetCore(EventLoop& loop, ConnectionHandlers handlers, ConnectionOptions options);
    ConnectionSetCore(const ConnectionSetCore&) = delete;
    ConnectionSetCore& operator=(const ConnectionSetCore&) = delete;

    /// Ends all connections; then this object goes, as soon as none of its callbacks runs.
    void abandon() noexcept;

    ConnectionId adopt(Socket socket);
    ConnectionId connect(const Address& address, Clock::duration timeout);
    Connection* find(ConnectionId id) noexcept;
    std::size_t size() const noexcept { return connections_.live(); }
    void for_each(UniqueFunction<void(Connection&)>& visit);
    void set_on_gone(Task on_gone) { on_gone_ = std::move(on_gone); }
    const ConnectionStats& stats() const noexcept { return stats_; }
    EventLoop& loop() const noexcept { return loop_; }

    // What Connection's own functions ask for.
    bool send(Connection& connection, ByteView bytes);
    std::size_t unsent(const Connection& connection) const noexcept;
    void close(Connection& connection, CloseReason reason);
    void abort(Connection& connection, Closed closed);
    void end(Connection& connection);
    void pause_reading(Connection& connection);
    void resume_reading(Connection& connection);
    void set_deadline(Connection& connection, Clock::time_point due);

private:
    using State = Connection::State;
    class Inside;

    ~ConnectionSetCore() = default;

    // Its life, from the first to the last.
    Connection& make();
    void connected(Connection& connection, Socket socket, std::error_code error);
    void open(Connection& connection);
    void watch(Connection& connection);
    void give_up(Connection& connection, Closed closed) noexcept;
    void finish(Connection& connection, const std::exception_ptr& failure);
    void report(const std::exception_ptr& failure);
    static bool is_alive(const Connection& connection) noexcept;

    // Whatever is done with a connection is done in one of these.
    template <class Body> void visit(Connection& connection, Body body);
    template <class Body> void hold(Connection& connection, Body body);
    template <class Body> void guarded(Connection& connection, Body body) noexcept;
    void let_go(Connection& connection, bool rearm, const std::exception_ptr& failure);
    void on_ready(Connection& connection, Readiness ready);
    void update_interest(Connection& connection, bool rearm);

    // Input.
    void receive(Connection& connection, Readiness ready);
    void discard(Connection& connection);
    void offer(Connection& connection, ByteView bytes);
    void peer_ended(Connection& connection);
    bool wants_input(const Connection& connection) const noexcept;
    static bool keeps_input(const Connection& connection) noexcept;

    // Output.
    static std::size_t queued(const Connection& connection) noexcept;
    void write_or_enqueue(Connection& connection, ByteView bytes);
    std::size_t write(Connection& connection, ByteView bytes);
    void flush(Connection& connection);
    void flush_gathered(Connection& connection);
    void after_output(Connection& connection);
    void try_later(Connection& connection);
    void feed();

    // Deadlines.
    void progressed(Connection& connection);
    void arm(Connection& connection, Clock::time_point due);
    void disarm(Connection& connection) noexcept;
    void set_timer();
    void expire_due();
    void expire(Connection& connection);

    static Connection::Rare& rare(Connection& connection);
    static void drop_rare(Connection& connection) noexcept;

    EventLoop& loop_;
    ConnectionHandlers handlers_;
    ConnectionOptions options_;
    ConnectionStats stats_;
    Slab<Connection, 64> connections_;

    Buffer gathered_; // what `gatherer_` sends while its handler runs
    Connection* gatherer_ = nullptr;

    DeadlineHeap<Connection> deadlines_;
    Clock::time_point timer_due_ = Clock::time_point::max();
    Timer timer_; // for the earliest deadline

    std::vector<ConnectionId> starved_; // the kernel had no memory (ENOBUFS) for their output
    Timer feed_;

    Task on_gone_;
    int depth_ = 0; // callbacks that run
    bool abandoned_ = false;
};

} // namespace pollux
