// Torture of pools: loops in threads that serve, and threads that work for a loop.

#include "support/gate.hpp"
#include "support/streams.hpp"
#include "torture/background.hpp"
#include "torture/torture.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <pollux/stream/server_pool.hpp>
#include <pollux/worker_pool.hpp>
#include <stdexcept>
#include <string>
#include <system_error>

using namespace pollux;
using namespace pollux_test;

namespace {

// An echo server on two loops.
class Pools {
public:
    Pools(Trial& trial, Spread spread)
        : trial_{trial},
          spread_{spread},
          address_{spread == Spread::reuse_port ? Address::ipv4_loopback(0) : own_address("pool")} {
    }

    // What is not there yet, or any more.
    bool set_up() {
        if (end_of_loops_ && end_of_loops_->is_over()) take_down();
        if (!pool_) {
            if (!trial_.act([this] {
                    pool_.emplace(LoopPoolOptions{.loops = 2, .backend = trial_.mode.backend});
                }))
                return false;
            end_of_loops_.emplace(trial_, [this] { pool_->wait(); });
        }
        if (!server_) trial_.act([this] { unless_ended([this] { listen(); }); });
        return server_.has_value();
    }

    bool call() {
        std::size_t place = 0;
        trial_.act([&] {
            unless_ended([&] {
                place = pool_->call(1, [this](EventLoop& loop) {
                    return &loop == &pool_->loop(1) ? std::size_t{1} : 0;
                });
            });
        });
        return place == 1;
    }

    bool serve_two() {
        PlainClient in_pieces{server_->address(), text_, text_, 200};
        PlainClient at_once{server_->address(), text_, text_, text_.size()};
        return end_of_loops_->serves({&in_pieces, &at_once});
    }

    bool serve_another() {
        PlainClient next{server_->address(), text_, text_, 200};
        return end_of_loops_->serves({&next});
    }
    bool is_ending() const {
        return end_of_loops_ && end_of_loops_->is_over(std::chrono::seconds{1});
    }

    void drain() {
        if (!server_) return; // it could not be set up again
        std::uint64_t shed = 0;
        trial_.act([&] {
            static_cast<void>(server_->drain(std::chrono::seconds{9}));
            shed = server_->shed();
        });
        for (; shed > 0; --shed) trial_.report("shed");
    }

    void take_down() {
        trial_.act([this] {
            server_.reset();
            if (pool_) pool_->stop();
        });
        end_of_loops_.reset();
        trial_.act([this] { pool_.reset(); });
    }

private:
    // That the loops have ended says who waits for that.
    template <class Part> void unless_ended(Part part) {
        try {
            part();
        } catch (const std::system_error& error) {
            if (error.code() != std::errc::operation_canceled) throw;
        }
    }

    void listen() {
        server_.emplace(
            *pool_, address_, [this](std::size_t, EventLoop&) { return handlers(); },
            ServerPoolOptions{.spread = spread_,
                              .server = {.connection = {.trigger = trial_.mode.trigger},
                                         .accept_back_off = std::chrono::milliseconds{5}}});
    }

    ConnectionHandlers handlers() {
        return {.on_data =
                    [](Connection& connection, ByteView bytes) {
                        connection.send(bytes);
                        return bytes.size();
                    },
                .on_close =
                    [this](Connection&, const Closed& how) {
                        if (how.reason == CloseReason::error)
                            trial_.report(::strerrorname_np(how.error));
                    },
                .on_error =
                    [this](const std::exception_ptr& failure) {
                        try {
                            std::rethrow_exception(failure);
                        } catch (const std::exception& error) {
                            trial_.report(error.what());
                        }
                    }};
    }

    Trial& trial_;
    Spread spread_;
    const Address address_;
    const std::string text_ = pattern(400);
    std::optional<LoopPool> pool_;
    std::optional<Background> end_of_loops_;
    std::optional<ServerPool> server_;
};

template <Spread spread> void pool_serves(Trial& trial) {
    Pools pools{trial, spread};
    const bool right = pools.set_up() && pools.call() && pools.serve_two();
    trial.rest();
    bool is_up = pools.set_up();
    if (!is_up) is_up = pools.is_ending() && pools.set_up();
    trial.expect(is_up, "it can be set up again");
    bool served = is_up && pools.serve_another();
    // A loop that was about to end when the trial came to rest.
    if (is_up && !served && pools.is_ending()) served = pools.set_up() && pools.serve_another();
    trial.expect(served, "the next client is served");
    trial.go_on();
    pools.drain();
    pools.take_down();
    trial.right(right);
}

// Two threads that are held, so that it is known how much waits for them.
class Workers {
public:
    explicit Workers(Trial& trial) : trial_{trial} {}

    bool set_up() {
        return trial_.act([this] {
            if (!loop_) loop_.emplace(trial_.mode.backend);
            if (!pool_) pool_.emplace(WorkerPoolOptions{.threads = 2, .queue_limit = most});
        });
    }

    bool work() {
        results_ = errors_ = taken_ = 0;
        Gate gate;
        const bool held = hold(gate) && hold(gate);
        // A piece that there was no memory for leaves its place to another.
        bool refused = false;
        int failed = 0;
        for (int number = 0; !refused && number < most + 2; ++number)
            if (!trial_.act([&] { refused = !submit(number); })) ++failed;
        trial_.expect(!held || failed > 1 || taken_ == most + 2, "as many wait as there is room");
        gate.open();
        trial_.until(*loop_, [this] { return results_ + errors_ == taken_; });
        trial_.expect(errors_ <= 1 && sum_is_right(), "each result is its own");
        return held && failed == 0 && refused;
    }

    void end() {
        trial_.act([this] {
            pool_.reset();
            loop_.reset();
        });
    }

private:
    static constexpr int most = 4;

    bool hold(Gate& gate) {
        const bool held = trial_.act([&] {
            const bool room = pool_->submit(
                *loop_, [&gate] { gate.wait(); },
                [this](WorkResult<void> done) { note(std::move(done)); });
            trial_.expect(room, "there is room");
            ++taken_;
        });
        while (pool_->waiting() > 0) std::this_thread::yield();
        return held;
    }

    // The first gives an error.
    bool submit(int number) {
        const bool room = pool_->submit(
            *loop_,
            [number] {
                if (number == 0) throw std::runtime_error{"none"};
                return std::make_unique<int>(number);
            },
            [this, number](WorkResult<std::unique_ptr<int>> done) {
                if (done.failed() && number == 0)
                    ++errors_;
                else if (const auto value = note(std::move(done)); value != nullptr)
                    wrong_ += *value == number ? 0 : 1;
            });
        taken_ += room ? 1 : 0;
        return room;
    }

    template <class Value> Value note(WorkResult<Value> done) {
        ++results_;
        try {
            return done.get();
        } catch (const std::exception& error) {
            trial_.report(error.what());
        }
        return Value();
    }

    bool sum_is_right() const { return wrong_ == 0; }

    Trial& trial_;
    std::optional<EventLoop> loop_;
    std::optional<WorkerPool> pool_;
    int taken_ = 0;
    int results_ = 0;
    int errors_ = 0;
    int wrong_ = 0;
};

void workers_work(Trial& trial) {
    Workers workers{trial};
    const bool right = workers.set_up() && workers.work();
    trial.rest();
    trial.expect(workers.set_up(), "it can be set up again");
    trial.expect(workers.work(), "the next work is done");
    trial.go_on();
    workers.end();
    trial.right(right);
}

constexpr TortureOptions in_threads{.fake_clock = false, .threads = true};

} // namespace

CONTRACT_CASE("torture X1 X2 X3 X4 ServerPool - reuse_port", everywhere) {
    torture(mode, "ServerPool, reuse_port", pool_serves<Spread::reuse_port>, in_threads);
}
CONTRACT_CASE("torture X1 X2 X3 X4 ServerPool - round_robin", everywhere) {
    torture(mode, "ServerPool, round_robin", pool_serves<Spread::round_robin>, in_threads);
}
CONTRACT_CASE("torture X1 X2 X3 X4 ServerPool - least_connections", everywhere) {
    torture(mode, "ServerPool, least_connections", pool_serves<Spread::least_connections>,
            in_threads);
}
CONTRACT_CASE("torture X1 X2 X3 X4 ServerPool - exclusive", with_every_trigger) {
    torture(mode, "ServerPool, exclusive", pool_serves<Spread::exclusive>, in_threads);
}
CONTRACT_CASE("torture X1 X3 X4 WorkerPool", everywhere) {
    torture(mode, "WorkerPool", workers_work, in_threads);
}
