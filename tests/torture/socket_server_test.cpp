// Torture of `SocketServer` in its models, but for fork: a child process has the plan's counts of
// its own, and what it reports nobody hears.

#include "support/streams.hpp"
#include "torture/background.hpp"
#include "torture/torture.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <pollux/service/socket_server.hpp>
#include <string>

using namespace pollux;
using namespace pollux_test;

namespace {

// How the conversations of a server went.
struct Told {
    std::atomic<int> broken{0}; // not to their end
    std::atomic<int> thrown{0};
};

class Echo final : public Session {
public:
    explicit Echo(Told& told) : told_{told} {}
    ~Echo() override {
        if (!ended_) ++told_.broken;
    }

private:
    std::size_t on_data(ByteView bytes) override {
        send(bytes);
        return bytes.size();
    }
    void on_end() override { ended_ = true; }

    Told& told_;
    bool ended_ = false;
};

class Serving {
public:
    Serving(Trial& trial, Model model)
        : trial_{trial}, model_{model}, address_{own_address("service")} {}

    bool set_up() {
        if (serving_ && serving_->is_over()) take_down();
        if (server_) return true;
        if (!trial_.act([this] { server_.emplace(address_, maker(), options()); })) return false;
        serving_.emplace(trial_, [this] { server_->serve_forever(); });
        return true;
    }

    bool serve_two() {
        PlainClient in_pieces{address_, text_, text_, 200};
        PlainClient at_once{address_, text_, text_, text_.size()};
        return serving_->serves({&in_pieces, &at_once});
    }
    bool serve_another() {
        PlainClient next{address_, text_, text_, 200};
        return serving_->serves({&next});
    }
    bool is_ending() const { return serving_ && serving_->is_over(std::chrono::seconds{1}); }

    // A server that threw has said why, and its clients know.
    void take_down() {
        if (server_) trial_.act([this] { server_->shutdown(); });
        const bool threw = serving_ && !serving_->join();
        serving_.reset();
        auto shed = server_ ? server_->stats().shed : 0;
        trial_.act([this] { server_.reset(); });
        for (; shed > 0; --shed) trial_.report("shed");
        const int broken = threw ? 0 : told_.broken.load();
        for (int left = std::max(told_.thrown.load(), broken); left > 0; --left)
            trial_.report("a conversation");
        told_.broken = told_.thrown = 0;
    }

private:
    SessionFactory maker() {
        return [this] { return std::make_unique<Echo>(told_); };
    }
    SocketServerOptions options() {
        SocketServerOptions options;
        options.model = model_;
        options.threads = 2;
        options.backend = trial_.mode.backend;
        options.trigger = trial_.mode.trigger;
        options.on_error = [this](const std::exception_ptr&) { ++told_.thrown; };
        return options;
    }

    Trial& trial_;
    Model model_;
    const Address address_;
    const std::string text_ = pattern(400);
    Told told_;
    std::optional<SocketServer> server_;
    std::optional<Background> serving_;
};

template <Model model> void clients_are_served(Trial& trial) {
    Serving serving{trial, model};
    const bool right = serving.set_up() && serving.serve_two();
    trial.rest();
    bool is_up = serving.set_up();
    if (!is_up) is_up = serving.is_ending() && serving.set_up();
    trial.expect(is_up, "it can be set up again");
    bool served = is_up && serving.serve_another();
    // The last fault was on its way when the trial came to rest: this client was shed for want of a
    // descriptor, or the server is about to end.
    if (is_up && !served) {
        if (serving.is_ending()) is_up = serving.set_up();
        served = is_up && serving.serve_another();
    }
    trial.expect(served, "the next client is served");
    trial.go_on();
    serving.take_down();
    trial.right(right);
}

constexpr TortureOptions in_threads{.fake_clock = false, .threads = true};

} // namespace

CONTRACT_CASE("torture X1 X2 X3 X4 SocketServer - iterative", everywhere) {
    torture(mode, "SocketServer, iterative", clients_are_served<Model::iterative>, in_threads);
}
CONTRACT_CASE("torture X1 X2 X3 X4 SocketServer - threads", everywhere) {
    torture(mode, "SocketServer, threads", clients_are_served<Model::threads>, in_threads);
}
CONTRACT_CASE("torture X1 X2 X3 X4 SocketServer - pool", everywhere) {
    torture(mode, "SocketServer, pool", clients_are_served<Model::pool>, in_threads);
}
CONTRACT_CASE("torture X1 X2 X3 X4 SocketServer - reactor", everywhere) {
    torture(mode, "SocketServer, reactor", clients_are_served<Model::reactor>, in_threads);
}
CONTRACT_CASE("torture X1 X2 X3 X4 SocketServer - multi", everywhere) {
    torture(mode, "SocketServer, multi", clients_are_served<Model::multi>, in_threads);
}
CONTRACT_CASE("torture X1 X2 X3 X4 SocketServer - coroutine", everywhere) {
    torture(mode, "SocketServer, coroutine", clients_are_served<Model::coroutine>, in_threads);
}
