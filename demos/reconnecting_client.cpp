// Lines of standard input go to a server, and when the connection is lost, whatever the reason, to
// the next one: it connects again and again, at growing intervals with some chance in them (so that
// many clients of one server do not come back all at once).
//
// A line is kept until the kernel has taken the whole of it, and then sent again from its start if
// the connection was lost before that. So lines arrive in order, and what can be lost are the bytes
// that the kernel had taken and the peer had not read: TCP does not tell. Only an answer of the
// server's program would.
//
//     echo_server --port 7777 &
//     reconnecting_client --port 7777

#include "common/client.hpp"
#include "common/dialer.hpp"
#include "common/line_input.hpp"
#include "common/output.hpp"
#include "common/program.hpp"

#include <algorithm>
#include <deque>
#include <iostream>
#include <random>

using namespace pollux;

namespace {

struct Delays {
    std::chrono::milliseconds first{100};
    std::chrono::milliseconds longest{30'000};
};

// How long to wait before the next attempt: twice as long each time, of which a random half.
class BackOff {
public:
    explicit BackOff(const Delays& delays) : delays_{delays} {}

    void reset() { next_ = delays_.first; }
    std::chrono::milliseconds next() {
        const auto delay = std::min(next_, delays_.longest);
        next_ = delay * 2;
        return std::chrono::milliseconds{
            std::uniform_int_distribution<long>{(delay.count() + 1) / 2, delay.count()}(random_)};
    }

private:
    Delays delays_;
    std::chrono::milliseconds next_ = delays_.first;
    std::mt19937_64 random_{std::random_device{}()};
};

// With no high water, `on_drain` tells when the kernel has taken all that was sent.
ConnectionOptions options_with(Trigger trigger) {
    ConnectionOptions options = demos::client_options(trigger);
    options.high_water = options.low_water = 0;
    return options;
}

class ReconnectingClient {
public:
    ReconnectingClient(EventLoop& loop, const demos::ClientOptions& options, const Delays& delays)
        : loop_{loop},
          delays_{delays},
          back_off_{delays},
          connections_{loop, handlers(), options_with(options.trigger)},
          dialer_{connections_, options},
          attempt_{loop.run_after({}, [this] { try_to_connect(); })},
          soon_{loop.run_after({}, [this] { send_waiting(); })},
          input_{loop, [this](std::string_view line) { take(line); }, [this] { send_waiting(); }} {}

    int status() const { return status_; }

private:
    static constexpr std::size_t most_waiting = std::size_t{1} << 20; // bytes; then no more is read

    ConnectionHandlers handlers() {
        return {.on_open =
                    [this](Connection&) {
                        say("connected");
                        opened_at_ = loop_.now();
                        open_ = true;
                        soon_.run_after({});
                    },
                .on_data =
                    [this](Connection&, ByteView bytes) {
                        back_off_.reset(); // it serves
                        output_.print(bytes);
                        return bytes.size();
                    },
                .on_end =
                    [this](Connection& connection) {
                        server_ended_ = true;
                        connection.abort();
                    },
                .on_drain =
                    [this](Connection&) {
                        first_was_taken();
                        soon_.run_after({});
                    },
                .on_close = [this](Connection&, const Closed& closed) { lost(closed); }};
    }

    void try_to_connect() {
        dialer_.find([this](std::error_code error) {
            if (error) return try_again(error.message(), false);
            id_ = dialer_.connect();
        });
    }

    void take(std::string_view line) {
        waiting_.push_back(std::string{line} + '\n');
        bytes_waiting_ += waiting_.back().size();
        if (bytes_waiting_ > most_waiting) input_.pause();
        send_waiting();
    }

    // One line after the other, each when the kernel has all of the one before. Not from handlers
    // of the connection, which gather what they send.
    void send_waiting() {
        while (Connection* const connection = open_connection()) {
            if (connection->queued() > 0) return; // on_drain will tell
            if (waiting_.empty()) {
                if (input_.ended()) connection->end();
                return;
            }
            connection->send(waiting_.front());
            if (open_connection() == connection && connection->queued() == 0) first_was_taken();
        }
    }

    Connection* open_connection() { return open_ ? connections_.find(id_) : nullptr; }

    void first_was_taken() {
        bytes_waiting_ -= waiting_.front().size();
        waiting_.pop_front();
        if (bytes_waiting_ <= most_waiting) input_.resume();
    }

    void lost(const Closed& closed) {
        output_.finish();
        if (open_ && loop_.now() - opened_at_ > delays_.longest) back_off_.reset();
        open_ = false;
        const bool in_good_order = std::exchange(server_ended_, false);
        try_again(in_good_order ? "the server ended it" : demos::to_text(closed), in_good_order);
    }

    // Unless all was said.
    void try_again(const std::string& why, bool in_good_order) {
        if (input_.ended() && waiting_.empty()) {
            if (!in_good_order) say(why);
            status_ = in_good_order ? 0 : 1;
            return loop_.stop();
        }
        const std::chrono::milliseconds delay = back_off_.next();
        say(why + ", again in " + std::to_string(delay.count()) + " ms");
        attempt_.run_after(delay);
    }

    void say(const std::string& what) const {
        std::cerr << "reconnecting_client: " << dialer_.server().to_string() << ": " << what
                  << std::endl;
    }

    EventLoop& loop_;
    Delays delays_;
    BackOff back_off_;
    bool open_ = false;
    bool server_ended_ = false;
    Clock::time_point opened_at_{};
    int status_ = 0;
    std::deque<std::string> waiting_; // the kernel may have a part of the first
    std::size_t bytes_waiting_ = 0;
    demos::Output output_;
    ConnectionId id_{};
    ConnectionSet connections_;
    demos::Dialer dialer_;
    Timer attempt_;
    Timer soon_;
    demos::LineInput input_;
};

} // namespace

int main(int argc, char** argv) {
    demos::Options options{"reconnecting_client",
                           "Lines to a server, which is connected to again when it is lost."};
    demos::ClientOptions common;
    Delays delays;
    common.add_to(options);
    options.duration("--first-delay", delays.first, "before the second attempt; then it doubles");
    options.duration("--longest-delay", delays.longest, "between two attempts");
    return demos::run(options, argc, argv, [&] {
        EventLoop loop = common.make_loop();
        // NOLINTNEXTLINE(misc-const-correctness): its callbacks change it
        ReconnectingClient client{loop, common, delays};
        loop.run();
        return client.status();
    });
}
