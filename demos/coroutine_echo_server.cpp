// Sends back what it receives, as echo_server does, without a callback: what is done for a client
// is one function that reads from top to bottom, and gives way where it waits.
//
//     coroutine_echo_server --port 7777 &
//     ncat 127.0.0.1 7777

#include "common/program.hpp"

#include <csignal>
#include <pollux/coro/acceptor.hpp>
#include <pollux/coro/scope.hpp>
#include <pollux/coro/stoppable.hpp>
#include <pollux/coro/stream.hpp>
#include <pollux/coro/within.hpp>
#include <stop_token>

using namespace pollux;

namespace {

struct Program {
    EventLoop& loop;
    Trigger trigger;
    std::stop_source leave;
    std::size_t accepted = 0;
    std::size_t open = 0;
};

coro::Task<> echo(coro::Stream& client) {
    for (;;) {
        // Thousands of clients may wait with one buffer: it is used only between two waits.
        const std::span<std::byte> into = client.loop().scratch();
        const IoResult came = co_await client.read(into);
        if (came.state != IoState::ok) co_return;
        const IoResult went = co_await client.write(into.first(came.bytes));
        if (went.state != IoState::ok) co_return;
    }
}

coro::Task<> read_until_end(coro::Stream& client) {
    for (IoResult came; came.state == IoState::ok;)
        came = co_await client.read(client.loop().scratch());
}

// The socket is taken, not a stream: a descriptor that the loop cannot watch is this client's
// trouble and nobody else's.
coro::Task<> serve(Program& program, Socket socket) {
    coro::Stream client{program.loop, std::move(socket), program.trigger};
    try {
        co_await coro::stoppable(program.leave.get_token(), echo(client));
    } catch (const coro::Cancelled&) {
    }
    // A socket that is closed with unread input resets its peer, who may lose the last answer.
    client.shutdown_write();
    co_await coro::within(std::chrono::seconds{1}, read_until_end(client));
}

coro::Task<> count(Program& program, Socket socket) {
    ++program.accepted;
    ++program.open;
    try {
        co_await serve(program, std::move(socket));
    } catch (const std::system_error&) { // its farewell took too long, or see above
    }
    --program.open;
}

coro::Task<> accept_all(Program& program, coro::Scope& clients, Socket listening) {
    coro::Acceptor acceptor{program.loop, std::move(listening), {.trigger = program.trigger}};
    for (;;) {
        Socket client = co_await acceptor.accept();
        clients.start(count(program, std::move(client)));
    }
}

// Leaving stops whoever accepts and each `echo`, but no farewell: the scope is not stopped.
coro::Task<> run(Program& program, Socket listening) {
    coro::Scope clients{program.loop};
    try {
        co_await coro::stoppable(program.leave.get_token(),
                                 accept_all(program, clients, std::move(listening)));
    } catch (const coro::Cancelled&) {
    }
    co_await clients.join();
    program.loop.stop();
}

} // namespace

int main(int argc, char** argv) {
    demos::Options options{"coroutine_echo_server",
                           "Sends back what it receives, by a coroutine for each client."};
    demos::CommonOptions common;
    bool wants_stats = false;
    common.add_to_server(options);
    options.flag("--stats", wants_stats,
                 "print one line of statistics to standard error at the end and on SIGUSR1");

    return demos::run(options, argc, argv, [&] {
        demos::raise_descriptor_limit();
        EventLoop loop = common.make_loop();
        Program program{loop, common.trigger, {}};
        Socket listening = Socket::listen(common.address());
        const Address address = listening.local();
        std::function<std::string()> stats;
        if (wants_stats)
            stats = [&] {
                return "stats accepted=" + std::to_string(program.accepted) +
                       " open=" + std::to_string(program.open);
            };
        coro::Scope all{loop};
        all.start(run(program, std::move(listening)));
        demos::serve(loop, address, common.sandbox, stats, [&] { program.leave.request_stop(); });
        return 0;
    });
}
