// Accepting and connecting.

#include "coro/library.hpp"
#include "support/calls.hpp"

#include <cerrno>
#include <optional>
#include <pollux/coro/acceptor.hpp>
#include <pollux/coro/connect.hpp>
#include <pollux/coro/within.hpp>
#include <sys/socket.h>
#include <system_error>
#include <vector>

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;
using coro::Acceptor;
using coro::Scope;

namespace {

Acceptor acceptor_on(EventLoop& loop, const Mode& mode) {
    return {loop, Socket::listen(Address::parse("127.0.0.1:0")), {.trigger = mode.trigger}};
}

coro::Task<> serve(Scope& clients, Acceptor& acceptor, Trigger trigger) {
    for (;;) clients.start(echo({clients.loop(), co_await acceptor.accept(), trigger}));
}

} // namespace

CONTRACT_CASE("C1 all who come are accepted and served", everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    Acceptor acceptor = acceptor_on(loop, mode);
    scope.start(serve(scope, acceptor, mode.trigger));
    int answered = 0;
    const auto client = [&](int number) -> coro::Task<> {
        coro::Stream stream{loop, co_await coro::connect(acceptor.address(), 10s), mode.trigger};
        const std::string text = "client " + std::to_string(number);
        co_await stream.write(bytes_of(text));
        std::string got(text.size(), '\0');
        co_await stream.read_exactly(std::as_writable_bytes(std::span{got}));
        CHECK_EQ(got, text);
        ++answered;
    };
    Scope clients{loop};
    for (int i = 0; i < 100; ++i) clients.start(client(i));
    run_until(loop, [&] { return answered == 100 && scope.size() == 1; });
}

CONTRACT_CASE("who comes while nobody awaits waits, and is not lost", everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    Acceptor acceptor = acceptor_on(loop, mode);
    const int port = acceptor.address().port();
    std::vector<Fd> clients;
    for (int i = 0; i < 5; ++i) clients.push_back(tcp_client(port));
    settle(loop); // nothing spins
    int accepted = 0;
    const auto accept = [&](int count) -> coro::Task<> {
        while (count-- > 0) {
            const Socket client = co_await acceptor.accept();
            CHECK(client);
            ++accepted;
        }
    };
    scope.start(accept(3));
    run_until(loop, [&] { return accepted == 3; });
    settle(loop);
    scope.start(accept(3));
    run_until(loop, [&] { return accepted == 5; });
}

CONTRACT_CASE("a second await is refused, and one that is given up loses nobody", everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    Acceptor acceptor = acceptor_on(loop, mode);
    int accepted = 0;
    const auto accept = [&]() -> coro::Task<> {
        const Socket client = co_await acceptor.accept();
        ++accepted;
    };
    {
        Scope given_up{loop};
        given_up.start(accept());
        CHECK_THROWS_AS(scope.start(accept()), std::logic_error);
    }
    const Fd client = tcp_client(acceptor.address().port());
    settle(loop);
    scope.start(accept());
    run_until(loop, [&] { return accepted == 1; });
}

CONTRACT_CASE("an acceptor may be destroyed by whom it gives a client, and while one waits",
              everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    std::optional<Acceptor> acceptor{acceptor_on(loop, mode)};
    const Fd client = tcp_client(acceptor->address().port());
    int refused = 0;
    const auto destroy = [&](const Socket& socket) {
        CHECK(socket);
        acceptor.reset(); // within the expression that awaits
    };
    const auto accept = [&](bool destroys) -> coro::Task<> {
        try {
            if (destroys)
                destroy(co_await acceptor->accept());
            else
                co_await acceptor->accept();
        } catch (const std::system_error& error) {
            CHECK_EQ(error.code().value(), EBADF);
            ++refused;
        }
    };
    SUBCASE("by whom it gives a client") {
        scope.start(accept(true));
        run_until(loop, [&] { return !acceptor; });
    }
    SUBCASE("while one waits") {
        scope.start(accept(false));
        acceptor.reset();
        settle(loop);
        CHECK_EQ(refused, 1);
    }
    CHECK_EQ(scope.size(), 0);
}

CONTRACT_CASE("a listening socket that breaks is told to who waits, and to who comes", everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    Socket listening = Socket::listen(Address::parse("127.0.0.1:0"));
    const int fd = listening.fd();
    Acceptor acceptor{loop, std::move(listening), {.trigger = mode.trigger}};
    int refused = 0;
    const auto accept = [&]() -> coro::Task<> {
        try {
            co_await acceptor.accept();
        } catch (const std::system_error& error) {
            CHECK_EQ(error.code().value(), EINVAL);
            ++refused;
        }
    };
    scope.start(accept());
    ::shutdown(fd, SHUT_RD);
    settle(loop);
    CHECK_EQ(refused, 1);
    scope.start(accept());
    CHECK_EQ(refused, 2);
}

CONTRACT_CASE("P15 an exception behind accept leaves the acceptor as it was", everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    Acceptor acceptor = acceptor_on(loop, mode);
    const auto failing = [&]() -> coro::Task<> {
        co_await acceptor.accept();
        throw std::runtime_error{"no"};
    };
    scope.start(failing());
    std::vector<Fd> clients;
    for (int i = 0; i < 2; ++i) clients.push_back(tcp_client(acceptor.address().port()));
    CHECK_THROWS_WITH(run_until(loop, [] { return false; }), "no");
    int accepted = 0;
    const auto accept = [&]() -> coro::Task<> {
        co_await acceptor.accept();
        ++accepted;
    };
    scope.start(accept());
    run_until(loop, [&] { return accepted == 1; });
}

CONTRACT_CASE("C10 connect gives a socket, or throws what names the address", everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    std::string seen;
    const Fd listening = tcp_listener();
    const auto to = [](int port) { return Address::parse("127.0.0.1:" + std::to_string(port)); };
    int nobody = 0; // a port that nobody listens on
    { nobody = port_of(tcp_listener()); }
    const auto connect = [&]() -> coro::Task<> {
        const Socket socket = co_await coro::connect(to(port_of(listening)), 10s);
        CHECK_EQ(socket.peer(), to(port_of(listening)));
        try {
            co_await coro::connect(to(nobody), 10s);
        } catch (const std::system_error& error) {
            CHECK_EQ(error.code().value(), ECONNREFUSED);
            seen = error.what();
        }
    };
    scope.start(connect());
    run_until(loop, [&] { return scope.size() == 0; });
    CHECK_EQ(seen, "connect " + to(nobody).to_string() + ": Connection refused");
}

CONTRACT_CASE("an await that is put off keeps its place, and ends when the acceptor goes",
              everywhere) {
    EventLoop loop{mode.backend};
    Scope scope{loop};
    Talk talk{loop, mode};
    std::optional<Acceptor> acceptor{acceptor_on(loop, mode)};
    int error = 0;
    const auto accept = [&](int before) -> coro::Task<> {
        while (before-- > 0) co_await talk.ours.write({});
        try {
            co_await acceptor->accept();
        } catch (const std::system_error& failure) {
            error = failure.code().value();
        }
    };
    scope.start(accept(16));
    CHECK_THROWS_AS(scope.start(accept(0)), std::logic_error);
    acceptor.reset();
    settle(loop);
    CHECK_EQ(error, EBADF);
    CHECK_EQ(scope.size(), 0);
}
