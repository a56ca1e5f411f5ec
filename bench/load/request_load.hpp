#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "arrivals.hpp"
#include "connection.hpp"
#include "dialer.hpp"
#include "fifo.hpp"
#include "load.hpp"
#include "poller.hpp"
#include "protocol.hpp"
#include "slow_readers.hpp"

namespace load {

/// Requests and answers on many connections, or on a connection for each.
///
/// In a closed loop the next request is due when an answer has come, so that `depth` are always
/// under way. In an open loop `Arrivals` says when, and a request whose connection has `depth`
/// under way waits, while its latency counts. The connections take turns whether they are free or
/// not: given to any free one, the requests would avoid a connection that the server neglects, and
/// nobody would see it. Where each request has a connection of its own there is none to avoid, and
/// those that wait form one queue.
class RequestLoad : public Load {
public:
    RequestLoad(const Options& options, std::unique_ptr<Protocol> protocol);

    /// Also greets: sends `depth` messages on each connection and waits for all answers. The
    /// exception says how many connections have had one.
    void prepare() override;
    Result run(const Goal& goal) override;

private:
    struct Place {
        Connection connection;
        Fifo<std::int64_t> due;    // of all requests without an answer, the oldest first
        std::size_t under_way = 0; // so many of them are sent or queued for it
        std::uint64_t answers = 0;
    };

    void begin_phase(const Goal& goal);
    bool goes_on();
    std::int64_t gives_up_at() const noexcept;
    void give_up();
    void greet();

    void visit(std::size_t index, std::uint32_t ready);
    void receive(std::size_t index);
    void finish(std::size_t index, const Answers& answers);
    void lose(std::size_t index, int error);
    [[noreturn]] void fail_for_silence() const;
    void resume_readers();

    bool may_start() const noexcept;
    void start(std::size_t index, std::int64_t due);
    void start_what_is_due();
    void start_somewhere(std::int64_t due);
    void take_next(std::size_t index);
    void send_more(std::size_t index);

    const Options& options_;
    const bool one_each_; // a connection for each request
    std::unique_ptr<Protocol> protocol_;
    Dialer dialer_;
    Poller poller_;
    Arrivals arrivals_;
    SlowReaders readers_;
    std::vector<Place> places_;
    std::vector<char> buffer_ = std::vector<char>(65536);
    bool at_rest_ = false;

    // Of the phase:
    Goal goal_;
    Result result_;
    std::uint64_t begun_ = 0;
    std::uint64_t outstanding_ = 0;
    std::int64_t time_ = 0; // when the clock was last looked at
    std::int64_t progress_ = 0;
    std::size_t turn_ = 0;
    std::vector<std::size_t> free_; // of connections for one request in an open loop
    Fifo<std::int64_t> waiting_;    // for one of those
};

} // namespace load
