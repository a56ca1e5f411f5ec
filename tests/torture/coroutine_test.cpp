// Torture of coroutines: an echo server with one task for each client.

#include "support/streams.hpp"
#include "torture/plain_client.hpp"
#include "torture/torture.hpp"

#include <cstring>
#include <exception>
#include <optional>
#include <pollux/coro/acceptor.hpp>
#include <pollux/coro/scope.hpp>
#include <pollux/coro/stream.hpp>
#include <pollux/coro/within.hpp>
#include <string>
#include <utility>

using namespace pollux;
using namespace pollux_test;

namespace {

coro::Task<> echo(Trial& trial, coro::Stream& client) {
    for (;;) {
        const std::span<std::byte> into = client.loop().scratch();
        const IoResult came = co_await client.read(into);
        if (came.state == IoState::error) trial.report(::strerrorname_np(came.error));
        if (came.state != IoState::ok) co_return;
        const IoResult went = co_await client.write(into.first(came.bytes));
        if (went.state == IoState::error) trial.report(::strerrorname_np(went.error));
        if (went.state != IoState::ok) co_return;
    }
}

coro::Task<> serve(Trial& trial, EventLoop& loop, Socket socket) {
    socket.set(option::send_buffer, 4096);
    coro::Stream client{loop, std::move(socket), trial.mode.trigger};
    co_await coro::within(std::chrono::hours{1}, echo(trial, client));
    client.shutdown_write();
}

// A task that cannot be started is that client's trouble.
coro::Task<> accept_all(Trial& trial, coro::Acceptor& acceptor, coro::Scope& clients) {
    for (;;) {
        Socket client = co_await acceptor.accept();
        try {
            clients.start(serve(trial, clients.loop(), std::move(client)));
        } catch (const std::exception& error) {
            trial.report(error.what());
        }
    }
}

struct Coroutines {
    explicit Coroutines(Trial& in) : trial{in}, address{own_address("coroutines")} {}

    bool set_up() {
        is_up = trial.act([this] {
            accepting.reset();
            clients.reset();
            acceptor.reset();
            if (!loop) loop.emplace(trial.mode.backend);
            acceptor.emplace(*loop, Socket::listen(address), AcceptOptions{trial.mode.trigger});
            clients.emplace(*loop);
            clients->set_on_error([this](const std::exception_ptr& failure) { tell(failure); });
            accepting.emplace(*loop);
            accepting->start(accept_all(trial, *acceptor, *clients));
        });
        return is_up;
    }

    void tell(const std::exception_ptr& failure) {
        try {
            std::rethrow_exception(failure);
        } catch (const std::exception& error) {
            trial.report(error.what());
        }
    }

    bool serve_two() {
        PlainClient in_pieces{address, text, text, 7000};
        PlainClient at_once{address, text, text, text.size()};
        trial.until(*loop, [&] {
            in_pieces.step();
            at_once.step();
            return in_pieces.over() && at_once.over();
        });
        return in_pieces.served() && at_once.served();
    }

    void serve_another() {
        PlainClient next{address, text, text, 7000};
        trial.until(*loop, [&] {
            next.step();
            return next.over() && clients->size() == 0;
        });
        trial.expect(next.served(), "the next client is served");
    }

    void end() {
        for (std::uint64_t shed = acceptor->shed(); shed > 0; --shed) trial.report("shed");
        trial.act([this] { accepting->request_stop(); });
        trial.until(*loop, [this] { return accepting->size() == 0; });
        trial.act([this] {
            accepting.reset();
            clients.reset();
            acceptor.reset();
            loop.reset();
        });
    }

    Trial& trial;
    const Address address;
    const std::string text = pattern(20000);
    std::optional<EventLoop> loop;
    std::optional<coro::Acceptor> acceptor;
    std::optional<coro::Scope> clients;
    std::optional<coro::Scope> accepting;
    bool is_up = false;
};

void coroutines_echo(Trial& trial) {
    Coroutines program{trial};
    const bool right = program.set_up() && program.serve_two();
    trial.rest();
    trial.expect(program.is_up || program.set_up(), "it can be set up again");
    if (program.is_up) program.serve_another();
    trial.go_on();
    if (program.is_up) program.end();
    trial.right(right);
}

} // namespace

CONTRACT_CASE("torture X1 X2 X3 X4 coroutine echo", everywhere) {
    torture(mode, "coroutine echo", coroutines_echo);
}
CONTRACT_CASE("torture X1 X4 coroutine echo while there is nothing to be had", everywhere) {
    torture_lasting(mode, "coroutine echo, lasting", coroutines_echo);
}
CONTRACT_CASE("torture X5 coroutine echo under many faults", everywhere) {
    torture_at_random(mode, "coroutine echo, many faults", coroutines_echo, 200);
}
