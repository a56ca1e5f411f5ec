// One client, so many requests of 64 bytes, and an echo of either kind on one loop: for a tool that
// counts instructions. Prints nothing.

#include <array>
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
#include <unistd.h>
#include <utility>

namespace {

using namespace pollux;

const char* const usage = "micro_echo callback|coroutine REQUESTS";

coro::Task<> echo(coro::Stream client) {
    for (;;) {
        const std::span<std::byte> into = client.loop().scratch();
        const IoResult came = co_await client.read(into);
        if (came.state != IoState::ok) co_return;
        const IoResult went = co_await client.write(into.first(came.bytes));
        if (went.state != IoState::ok) co_return;
    }
}

// The peer's end, driven by bare calls.
void exchange(const Socket& peer, EventLoop& loop, std::uint64_t requests) {
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
    EventLoop loop;
    auto [served, peer] = Socket::pair();
    if (kind == "coroutine") {
        coro::Scope scope{loop};
        scope.start(echo({loop, std::move(served)}));
        return exchange(peer, loop, requests);
    }
    if (kind != "callback") throw std::invalid_argument{usage};
    ConnectionSet set{loop, {.on_data = [](Connection& connection, ByteView data) {
                          connection.send(data);
                          return data.size();
                      }}};
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
