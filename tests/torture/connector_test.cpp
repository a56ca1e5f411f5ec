// Torture of clients: one that connects again until it has its answer.

#include "support/streams.hpp"
#include "torture/plain_client.hpp"
#include "torture/plain_server.hpp"
#include "torture/torture.hpp"

#include <chrono>
#include <cstring>
#include <exception>
#include <optional>
#include <pollux/stream/connection_set.hpp>
#include <string>

using namespace pollux;
using namespace pollux_test;

namespace {

class Persistent {
public:
    Persistent(Trial& trial, const Address& address) : trial_{trial}, server_{address} {}

    bool set_up() {
        return trial_.act([this] {
            if (!loop_) loop_.emplace(trial_.mode.backend);
            set_.emplace(*loop_, handlers(),
                         ConnectionOptions{.trigger = trial_.mode.trigger,
                                           .linger_timeout = std::chrono::milliseconds{50}});
            again_ = loop_->run_at(Clock::time_point::max(), [this] { connect(); });
            is_up_ = true;
        });
    }
    bool is_up() const { return is_up_; }

    // Whether it had its answer, in the end.
    bool ask() {
        answer_.clear();
        answer_.reserve(question_.size());
        again_.run_after({});
        trial_.until(*loop_, [this] {
            server_.step();
            return answer_ == question_ && set_->size() == 0;
        });
        return answer_ == question_;
    }

    void end() {
        trial_.act([this] {
            again_ = {};
            set_.reset();
            loop_.reset();
        });
        trial_.expect(closed_ == made_, "each connection is closed once");
    }

private:
    void connect() {
        try {
            set_->connect(server_.address(), std::chrono::seconds{9});
            ++made_;
        } catch (const std::exception& error) {
            fail(error.what());
        }
    }

    void fail(const char* why) {
        trial_.report(why);
        answer_.clear();
        again_.run_after(std::chrono::milliseconds{10});
    }

    ConnectionHandlers handlers() {
        return {.on_open = [this](Connection& connection) { connection.send(question_); },
                .on_data =
                    [this](Connection& connection, ByteView bytes) {
                        answer_ += text_of(bytes);
                        if (answer_.size() >= question_.size()) connection.close();
                        return bytes.size();
                    },
                .on_close =
                    [this](Connection&, const Closed& closed) {
                        ++closed_;
                        if (closed.reason == CloseReason::error)
                            fail(::strerrorname_np(closed.error));
                        else if (closed.reason == CloseReason::exception)
                            fail("exception");
                        else if (closed.reason == CloseReason::peer)
                            fail("too early");
                    },
                .on_error = [](const std::exception_ptr&) {}};
    }

    const std::string question_ = pattern(9000);
    Trial& trial_;
    PlainServer server_;
    std::string answer_;
    int made_ = 0;
    int closed_ = 0;
    bool is_up_ = false;
    std::optional<EventLoop> loop_;
    std::optional<ConnectionSet> set_;
    Timer again_;
};

void connects(Trial& trial, const Address& address) {
    Persistent client{trial, address};
    bool right = client.set_up();
    if (right) {
        right = client.ask();
        trial.expect(right, "it has its answer in the end");
    }
    trial.rest();
    trial.expect(client.is_up() || client.set_up(), "it can be set up again");
    trial.expect(client.ask(), "the next one is answered");
    trial.go_on();
    client.end();
    trial.right(right);
}

void connects_over_unix(Trial& trial) { connects(trial, own_address("connector")); }
void connects_over_tcp(Trial& trial) { connects(trial, Address::ipv4_loopback(0)); }

} // namespace

CONTRACT_CASE("torture X1 X2 X3 X4 a client that connects again - Unix", everywhere) {
    torture(mode, "client, Unix", connects_over_unix);
}
CONTRACT_CASE("torture X1 X2 X3 X4 a client that connects again - TCP", everywhere) {
    torture(mode, "client, TCP", connects_over_tcp, {.fake_clock = false});
}
CONTRACT_CASE("torture X1 X4 client - Unix while there is nothing to be had", everywhere) {
    torture_lasting(mode, "client, Unix, lasting", connects_over_unix);
}
CONTRACT_CASE("torture X5 client - Unix under many faults", everywhere) {
    torture_at_random(mode, "client, Unix, many faults", connects_over_unix, 200);
}
