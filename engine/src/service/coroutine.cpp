// All clients on one thread, as in the reactor, but the code of each reads from top to bottom, as
// that of a thread: where it would wait, others go on. A client costs a frame instead of a stack.
// What holds between two waits needs no lock; what holds across one may have changed.

#include <pollux/coro/descriptor.hpp>
#include <pollux/coro/scope.hpp>
#include <pollux/coro/stoppable.hpp>
#include <pollux/coro/stream.hpp>
#include <pollux/coro/task.hpp>
#include <pollux/coro/within.hpp>
#include <stop_token>
#include <system_error>
#include <utility>

#include "service/arrivals.hpp"
#include "service/dialogue.hpp"
#include "service/models.hpp"

namespace pollux {
namespace {

/// One client.
struct Client {
    Service& service;
    std::stop_token stop;
    coro::Stream stream;
    Dialogue dialogue{service, stream.socket()};
};

coro::Task<> become_readable(coro::Stream& stream) { co_await stream.readable(); }
coro::Task<> become_writable(coro::Stream& stream) { co_await stream.writable(); }

// False: it took too long.
coro::Task<bool> in_time(Clock::duration patience, coro::Task<> work) {
    if (patience == Clock::duration::max()) {
        co_await std::move(work);
        co_return true;
    }
    try {
        co_await coro::within(patience, std::move(work));
    } catch (const std::system_error& error) {
        if (error.code() != std::errc::timed_out) throw;
        co_return false;
    }
    co_return true;
}

// Until the dialogue is over, or there is more to send than the kernel takes now.
coro::Task<> listen(Client& client) {
    const Clock::duration patience = client.dialogue.patience();
    const std::span<std::byte> room = client.stream.loop().scratch();
    while (client.dialogue.flush() && client.dialogue.is_open()) {
        if (patience != Clock::duration::max()) {
            const bool came = co_await in_time(patience, become_readable(client.stream));
            if (!came) {
                client.dialogue.give_up();
                co_return;
            }
        }
        const IoResult got = co_await client.stream.read(room);
        client.dialogue.take(got, room);
    }
}

coro::Task<> write(Client& client) {
    while (!client.dialogue.flush()) {
        const Clock::duration patience = client.dialogue.patience();
        const bool goes_on = co_await in_time(patience, become_writable(client.stream));
        if (!goes_on) client.dialogue.give_up();
    }
}

// False: it is to stop. The work is where it was then.
coro::Task<bool> unless_stopped(Client& client, coro::Task<> work) {
    try {
        co_await coro::stoppable(client.stop, std::move(work));
    } catch (const coro::Cancelled&) {
        co_return false;
    }
    co_return true;
}

coro::Task<> discard(Client& client) {
    const std::span<std::byte> room = client.stream.loop().scratch();
    for (IoResult got; got.state == IoState::ok;) got = co_await client.stream.read(room);
}

coro::Task<> await_end(Client& client) {
    co_await in_time(client.dialogue.patience(), discard(client));
}

// See Conversation::end_in_good_order.
coro::Task<> end_in_good_order(Client& client) {
    client.stream.shutdown_write();
    bool over = co_await unless_stopped(client, await_end(client));
    while (!over && !is_settled(client.stream.socket()))
        over = co_await in_time(settled_look, discard(client));
}

coro::Task<> converse(Service& service, std::stop_token stop, coro::Stream stream) {
    try {
        Client client{service, std::move(stop), std::move(stream)};
        client.dialogue.open();
        bool goes_on = true;
        while (goes_on && client.dialogue.is_open()) {
            goes_on = co_await unless_stopped(client, listen(client));
            // Once more: what has arrived is answered.
            const std::span<std::byte> room = service.loop().scratch();
            if (!goes_on) client.dialogue.take(client.stream.socket().read(room), room);
            co_await write(client);
        }
        if (!client.dialogue.is_broken() && !client.dialogue.peer_ended())
            co_await end_in_good_order(client);
    } catch (...) {
        service.report_failure();
    }
}

// One that the kernel does not watch, or for which there is no memory, is let go.
void start(coro::Scope& clients, Service& service, std::stop_token stop, Socket client) {
    try {
        coro::Stream stream{service.loop(), std::move(client), service.options().trigger};
        clients.start(converse(service, std::move(stop), std::move(stream)));
    } catch (const std::exception&) {
        service.count_shed();
    }
}

void serve_connections(Service& service) {
    const std::stop_source stop;
    coro::Scope clients{service.loop()};
    {
        Arrivals arrivals{service};
        const auto has_room = [&] { return clients.size() < service.options().max_clients; };
        while (Socket client = arrivals.next_client(has_room))
            start(clients, service, stop.get_token(), std::move(client));
    }
    stop.request_stop();
    service.run_until([&] { return clients.size() == 0; }, service.stop().due());
}

coro::Task<> answer_datagrams(Service& service) {
    Socket& socket = service.socket();
    const coro::Descriptor datagrams{service.loop(), socket.fd(), service.options().trigger};
    OnDatagram answer = [&](ByteView datagram, const Address& from) {
        serve_datagram(service, socket, datagram, from);
    };
    for (;;) {
        co_await datagrams.readable();
        int left = DatagramWatch::usual_visit;
        while (left > 0 && receive_datagram(service, socket, service.loop().scratch(), answer))
            --left;
    }
}

} // namespace

void serve_coroutine(Service& service) {
    if (!service.datagrams()) return serve_connections(service);
    coro::Scope all{service.loop()};
    all.start(answer_datagrams(service));
    service.run_until([&] { return service.stop().requested(); });
}

} // namespace pollux
