#pragma once

// What the connections of a set share. It outlives the set while one of its callbacks runs.

#include <exception>
#include <memory>
#include <optional>
#include <pollux/stream/buffer.hpp>
#include <pollux/stream/connection_set.hpp>
#include <pollux/stream/connector.hpp>
#include <vector>

#include "deadline_wheel.hpp"
#include "slab.hpp"

namespace pollux {

/// A part of a file that waits to be sent.
struct FileRange {
    Fd file;
    std::uint64_t offset = 0;
    std::uint64_t left = 0;
    std::size_t before = 0; // bytes of the output between the range before it and this one
};

/// What most connections need at no time.
struct Connection::Rare {
    Buffer output;                // what the kernel refused
    std::vector<FileRange> files; // among the output
    bool untried = false;         // the first file, which is in front
    Buffer input;                 // what the handler left
    Clock::time_point deadline = Clock::time_point::max();
    Clock::time_point message_due = Clock::time_point::max(); // of what the handler left
    std::optional<Connector> connector;
    std::size_t counted = 0; // of what waits here, in the sum of all

    std::size_t waiting() const noexcept { return output.size() + input.size(); }
    bool useless() const noexcept {
        return output.empty() && files.empty() && input.empty() &&
               deadline == Clock::time_point::max() && !connector;
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
    std::size_t waiting() const noexcept { return waiting_; }
    void for_each(UniqueFunction<void(Connection&)>& visit);
    void set_on_gone(Task on_gone) { on_gone_ = std::move(on_gone); }
    const ConnectionStats& stats() const noexcept { return stats_; }
    EventLoop& loop() const noexcept { return loop_; }

    // What Connection's own functions ask for.
    bool send(Connection& connection, ByteView bytes);
    bool gather(Connection& connection, ByteView bytes) {
        if (gatherer_ != &connection || !takes_output(connection) ||
            bytes.size() > gathered_.room() || bytes.size() + gathered_.size() >= gather_limit)
            return false;
        gathered_.append(bytes);
        return true;
    }
    bool send_file(Connection& connection, FileRange range);
    std::uint64_t unsent(const Connection& connection) const noexcept;
    void close(Connection& connection, CloseReason reason);
    void abort(Connection& connection, Closed closed);
    void end(Connection& connection);
    void pause_reading(Connection& connection);
    void resume_reading(Connection& connection);
    void set_deadline(Connection& connection, Clock::time_point due);
    void admit(Connection& connection);

private:
    using State = Connection::State;
    class Inside;
    static constexpr std::size_t gather_limit = 65536;
    static constexpr auto never = Clock::time_point::max();

    ~ConnectionSetCore() = default;

    // Its life, from the first to the last.
    Connection& make();
    void connected(Connection& connection, Socket socket, std::error_code error);
    void open(Connection& connection);
    void watch(Connection& connection);
    void give_up(Connection& connection, Closed closed) noexcept;
    void finish(Connection& connection, const std::exception_ptr& failure);
    void report(const std::exception_ptr& failure);
    static bool is_alive(const Connection& connection) noexcept {
        return connection.state_ > State::free && connection.state_ < State::gone;
    }
    static bool is_usual(const Connection& connection) noexcept {
        return connection.state_ == State::open && connection.unusual_ == Connection::Unusual{};
    }

    // Whatever is done with a connection is done in one of these: see connection_visit.hpp.
    template <class Body> void visit(Connection& connection, const Body& body);
    template <class Body> bool hold(Connection& connection, const Body& body);
    template <class Body> void guarded(Connection& connection, const Body& body) noexcept;
    bool is_settled(const Connection& connection) const noexcept;
    void let_go(Connection& connection, bool rearm, const std::exception_ptr& failure);
    void on_ready(Connection& connection, Readiness ready);
    void update_interest(Connection& connection, bool rearm);
    void count_waiting(Connection& connection) noexcept;
    void relieve();
    void end() noexcept;

    // Input.
    void receive(Connection& connection, Readiness ready);
    bool goes_on_to_read(Connection& connection);
    void discard(Connection& connection);
    void nothing_came(Connection& connection, IoResult result);
    void offer(Connection& connection, ByteView bytes);
    void offer_kept(Connection& connection, ByteView bytes);
    void keep(Connection& connection, ByteView bytes);
    void limit_input(Connection& connection);
    void peer_ended(Connection& connection);
    bool wants_input(const Connection& connection) const noexcept {
        return connection.state_ == State::open && !connection.unusual_.reading_paused &&
               (!connection.unusual_.over_high_water || options_.read_over_high_water) &&
               !connection.unusual_.peer_ended;
    }
    static bool keeps_input(const Connection& connection) noexcept {
        return connection.rare_ != nullptr && !connection.rare_->input.empty();
    }

    std::size_t input_limit(const Connection& connection) const noexcept;

    // Output.
    static bool takes_output(const Connection& connection) noexcept {
        return (connection.state_ == State::open || connection.state_ == State::connecting) &&
               !connection.ending_;
    }
    static bool has_files(const Connection& connection) noexcept {
        return connection.rare_ != nullptr && !connection.rare_->files.empty();
    }
    static bool is_untried(const Connection& connection) noexcept {
        return connection.rare_ != nullptr && connection.rare_->untried;
    }
    static bool has_output(const Connection& connection) noexcept {
        return connection.rare_ != nullptr &&
               (!connection.rare_->output.empty() || !connection.rare_->files.empty());
    }
    void write_or_enqueue(Connection& connection, ByteView bytes);
    void enqueue(Connection& connection, ByteView bytes);
    std::size_t write(Connection& connection, ByteView bytes);
    std::size_t write_on(Connection& connection, ByteView bytes, IoResult first);
    bool write_file(Connection& connection, std::size_t& budget);
    void write_later(Connection& connection);
    void write_waiting(Connection& connection);
    void flush(Connection& connection);
    void flush_gathered(Connection& connection) {
        if (gatherer_ == &connection && !gathered_.empty()) write_gathered(connection);
    }
    void write_gathered(Connection& connection);
    std::size_t output_limit(const Connection& connection) const noexcept;
    void after_output(Connection& connection) {
        if (connection.state_ == State::closing ||
            (connection.state_ == State::open && connection.ending_)) [[unlikely]]
            end_output(connection);
    }
    void end_output(Connection& connection);
    void try_later(Connection& connection);
    void feed();

    // Deadlines.
    void progressed(Connection& connection) {
        if (connection.state_ != State::open)
            put_off(connection);
        else if (idles_)
            gatherer_ == &connection ? void(gatherer_progressed_ = true) : put_off(connection);
    }
    void put_off(Connection& connection);
    void arm(Connection& connection, Clock::time_point due);
    void bound(Connection& connection, Clock::time_point Connection::Rare::*which,
               Clock::time_point due);
    void watch_message(Connection& connection);
    void another_message(Connection& connection);
    void disarm(Connection& connection) noexcept;
    void set_timer();
    void expire_due();
    void expire(Connection& connection);

    static Connection::Rare& rare(Connection& connection) {
        if (connection.rare_ == nullptr) connection.rare_ = std::make_unique<Connection::Rare>();
        return *connection.rare_;
    }
    void drop_rare(Connection& connection) noexcept;

    EventLoop& loop_;
    ConnectionHandlers handlers_;
    ConnectionOptions options_;
    const Interest reading_;    // what a connection asks for that only reads
    const bool idles_;          // has an idle timeout
    const bool rearms_;         // its watches are one-shot
    std::span<std::byte> into_; // of the loop's scratch, from the first read on
    ConnectionStats stats_;
    std::size_t waiting_ = 0; // bytes, in all connections
    Slab<Connection, 64> connections_;

    Buffer gathered_; // what `gatherer_` sends while its handler runs
    Connection* gatherer_ = nullptr;
    bool gatherer_progressed_ = false; // its deadline is put off once, when its visit ends

    DeadlineWheel<Connection> deadlines_;
    Clock::time_point timer_due_ = never;
    Timer timer_; // for the earliest deadline

    std::vector<ConnectionId> spare_ids_; // room for those of `for_each`
    std::vector<ConnectionId> starved_;   // the kernel had no memory (ENOBUFS) for their output
    Timer feed_;

    Task on_gone_;
    int depth_ = 0; // callbacks that run
    bool abandoned_ = false;
    bool relieving_ = false;
};

} // namespace pollux
