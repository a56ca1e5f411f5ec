#include "torture/serving.hpp"

#include "torture/plain_client.hpp"

#include <chrono>
#include <cstring>
#include <new>
#include <optional>

namespace pollux_test {

using namespace pollux;

namespace {

struct Serving {
    Serving(Trial& in, const Service& what)
        : trial{in}, service{what}, address{own_address("server")} {}

    bool set_up() {
        return trial.act([this] {
            if (!loop) loop.emplace(trial.mode.backend);
            ServerOptions options = service.options;
            options.connection.trigger = trial.mode.trigger;
            server.emplace(*loop, address, noting(service.handlers()), options);
        });
    }

    ConnectionHandlers noting(ConnectionHandlers handlers) {
        handlers.on_close = [this](Connection&, const Closed& how) {
            ++closed;
            if (how.reason == CloseReason::error) trial.report(::strerrorname_np(how.error));
        };
        handlers.on_error = [this](const std::exception_ptr& failure) {
            try {
                std::rethrow_exception(failure);
            } catch (const std::exception& error) {
                trial.report(error.what());
            }
        };
        return handlers;
    }

    bool serve_two() {
        PlainClient in_pieces{address, service.text, service.answer, service.piece};
        PlainClient at_once{address, service.text, service.answer, service.text.size()};
        trial.until(*loop, [&] {
            in_pieces.step();
            at_once.step();
            return in_pieces.over() && at_once.over();
        });
        return in_pieces.served() && at_once.served();
    }

    void serve_another() {
        PlainClient next{address, service.text, service.answer, service.piece};
        trial.until(*loop, [&] {
            next.step();
            return next.over() && server->connections().size() == 0;
        });
        trial.expect(next.served(), "the next client is served");
    }

    void end() {
        bool drained = false;
        if (trial.act([&] { server->drain(std::chrono::seconds{9}, [&] { drained = true; }); }))
            trial.until(*loop, [&] { return drained; });
        opened = server->connections().stats().opened;
        for (std::uint64_t shed = server->shed(); shed > 0; --shed) trial.report("shed");
        trial.act([this] {
            server.reset();
            loop.reset();
        });
        trial.expect(opened == closed, "each connection is closed once");
    }

    Trial& trial;
    const Service& service;
    const Address address;
    std::uint64_t opened = 0;
    std::uint64_t closed = 0;
    std::optional<EventLoop> loop;
    std::optional<Server> server;
};

} // namespace

void serve(Trial& trial, const Service& service) {
    Serving serving{trial, service};
    const bool right = serving.set_up() && serving.serve_two();
    trial.rest();
    const bool is_up = serving.server || serving.set_up();
    trial.expect(is_up, "it can be set up again");
    if (is_up) serving.serve_another();
    trial.go_on();
    if (is_up) serving.end();
    trial.right(right);
}

} // namespace pollux_test
