// One client, so many requests of 64 bytes, and an echo of one kind: for a tool that counts
// instructions. `bare` is what the kernel demands: epoll_wait, recv, send and no library; `watch`
// is the same recv and send in a callback of the loop; `idling` is `callback` with an idle timeout.
// Prints nothing.

#include <array>
#include <cerrno>
#include <cstdint>
#include <exception>
#include <iostream>
#include <optional>
#include <pollux/coro/scope.hpp>
#include <pollux/coro/stream.hpp>
#include <pollux/event_loop.hpp>
#include <pollux/stream/connection_set.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace {

using namespace pollux;

const char* const usage = "micro_echo bare|watch|callback|idling|coroutine REQUESTS";

coro::Task<> echo(coro::Stream client) {
    for (;;) {
        const std::span<std::byte> into = client.loop().scratch();
        const IoResult came = co_await client.read(into);
        if (came.state != IoState::ok) co_return;
        const IoResult went = co_await client.write(into.first(came.bytes));
        if (went.state != IoState::ok) co_return;
    }
}

class Answering {
public:
    void answer(int fd) {
        const ssize_t came = ::recv(fd, buffer_.data(), buffer_.size(), 0);
        if (came > 0) ::send(fd, buffer_.data(), static_cast<std::size_t>(came), MSG_NOSIGNAL);
    }

private:
    std::array<char, 65536> buffer_{};
};

class BareEcho {
public:
    explicit BareEcho(int fd) {
        epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
        if (epoll_.get() < 0 || ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) < 0)
            throw std::system_error{errno, std::generic_category(), "epoll"};
    }

    void run_once() {
        const int ready = ::epoll_wait(epoll_.get(), events_.data(), most_events, -1);
        for (std::size_t i = 0; std::cmp_less(i, ready); ++i) answering_.answer(events_[i].data.fd);
    }

private:
    static constexpr int most_events = 64;

    Fd epoll_{::epoll_create1(EPOLL_CLOEXEC)};
    std::array<epoll_event, most_events> events_{};
    Answering answering_;
};

// The peer's end, driven by bare calls.
template <class Loop> void exchange(const Socket& peer, Loop& loop, std::uint64_t requests) {
    std::array<char, 64> request{};
    std::array<char, 64> answer{};
    while (requests-- > 0) {
        if (::write(peer.fd(), request.data(), request.size()) != 64)
            throw std::runtime_error{"the request was cut"};
        loop.run_once();
        if (::read(peer.fd(), answer.data(), answer.size()) != 64)
            throw std::runtime_error{"no answer after one turn"};
    }
}

void run(std::string_view kind, std::uint64_t requests) {
    auto [served, peer] = Socket::pair();
    if (kind == "bare") {
        BareEcho echo{served.fd()};
        return exchange(peer, echo, requests);
    }
    EventLoop loop;
    if (kind == "watch") {
        Answering answering;
        const Watch watch = loop.watch(served.fd(), Interest::read, Trigger::level,
                                       [&, fd = served.fd()](Readiness) { answering.answer(fd); });
        return exchange(peer, loop, requests);
    }
    if (kind == "coroutine") {
        coro::Scope scope{loop};
        scope.start(echo({loop, std::move(served)}));
        return exchange(peer, loop, requests);
    }
    const bool idles = kind == "idling";
    if (kind != "callback" && !idles) throw std::invalid_argument{usage};
    ConnectionSet set{loop,
                      {.on_data =
                           [](Connection& connection, ByteView data) {
                               connection.send(data);
                               return data.size();
                           }},
                      {.idle_timeout = idles ? std::chrono::minutes{1} : Clock::duration::max()}};
    set.adopt(std::move(served));
    exchange(peer, loop, requests);
}

} // namespace

int main(int argc, char** argv) {
    try {
        if (argc != 3) throw std::invalid_argument{usage};
        run(argv[1], std::stoull(argv[2]));
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "micro_echo: " << error.what() << '\n';
        return 2;
    }
}
