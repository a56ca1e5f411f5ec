// What connections cost: memory while they are idle, allocations while they work. A program of its
// own, because it replaces operator new.

#include "support/allocations.hpp"
#include "support/contract.hpp"
#include "support/streams.hpp"

#include <pollux/stream/server.hpp>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

using namespace pollux;
using namespace pollux_test;

namespace {

ConnectionHandlers echo() {
    return {.on_data = [](Connection& connection, ByteView data) {
        connection.send(data);
        return data.size();
    }};
}

} // namespace

#ifdef NDEBUG // debug builds keep more
static void raise_descriptor_limit() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

CONTRACT_CASE("an idle connection with an idle timeout costs at most 160 bytes", everywhere) {
    raise_descriptor_limit();
    EventLoop loop{mode.backend};
    ConnectionSet set{
        loop, echo(), {.trigger = mode.trigger, .idle_timeout = std::chrono::minutes{1}}};
    // Sockets without a peer: one number each, so that tables by number are as full as they get.
    const std::size_t count = mode.is(Backend::select) ? 960 : 1984;
    constexpr std::size_t shared = 64; // by then what all share is there
    std::size_t before = 0;
    for (std::size_t i = 0; i < count; ++i) {
        if (i == shared) before = allocations().bytes;
        set.adopt(Socket::open(AF_UNIX, SOCK_DGRAM));
    }
    settle(loop);
    const std::size_t used = allocations().bytes - before;
    REQUIRE_EQ(set.size(), count);
    const double each = static_cast<double>(used) / static_cast<double>(count - shared);
    INFO("bytes per connection: ", each);
    // A ring's reactor knows more of each descriptor: which request is under way for it, and what
    // is to be asked for next.
    CHECK_LE(each, mode.is(Backend::io_uring) ? 224 : 160);
}
#endif

CONTRACT_CASE("what a connection needed while it worked is given back", everywhere) {
    EventLoop loop{mode.backend};
    ConnectionSet set{loop, echo(), {.trigger = mode.trigger}};
    const Adopted first = adopt_unix(set);
    const Adopted one = adopt_unix(set);
    const auto work = [&](const Adopted& with) {
        set.find(with.id)->send(std::string(1'000'000, 'x'));
        run_until(loop, [&] {
            drain(with.theirs);
            return set.find(with.id)->queued() == 0;
        });
    };
    work(first);
    work(first); // what all share has its size: the loop has two ready lists, which take turns
    const std::size_t before = allocations().bytes;
    work(one);
    CHECK_LE(allocations().bytes, before);
}

CONTRACT_CASE("an echo allocates nothing once it is under way", everywhere) {
    EventLoop loop{mode.backend};
    ConnectionSet set{
        loop, echo(), {.trigger = mode.trigger, .idle_timeout = std::chrono::minutes{1}}};
    const Adopted one = adopt_unix(set);
    char answer[16];
    const auto once = [&] {
        REQUIRE_EQ(::write(one.theirs.get(), "ping", 4), 4);
        loop.run_once();
        REQUIRE_EQ(::read(one.theirs.get(), answer, sizeof answer), 4);
    };
    for (int i = 0; i < 10; ++i) once();
    const std::size_t before = allocations().calls;
    for (int i = 0; i < 1000; ++i) once();
    CHECK_EQ(allocations().calls, before);
}

// As demos/chat_server does it.
CONTRACT_CASE("a word that all others hear allocates nothing once a chat is under way",
              everywhere) {
    EventLoop loop{mode.backend};
    ConnectionSet* members = nullptr;
    ConnectionHandlers handlers{.on_data = [&members](Connection& from, ByteView data) {
        members->for_each([&](Connection& member) {
            if (&member != &from) member.send(data);
        });
        return data.size();
    }};
    ConnectionSet set{loop, std::move(handlers), {.trigger = mode.trigger}};
    members = &set;
    std::vector<Adopted> all;
    while (all.size() < 10) all.push_back(adopt_unix(set));
    char heard[16];
    const auto once = [&] {
        REQUIRE_EQ(::write(all[0].theirs.get(), "word", 4), 4);
        loop.run_once();
        for (std::size_t i = 1; i < all.size(); ++i)
            REQUIRE_EQ(::read(all[i].theirs.get(), heard, sizeof heard), 4);
    };
    for (int i = 0; i < 10; ++i) once();
    const std::size_t before = allocations().calls;
    for (int i = 0; i < 100; ++i) once();
    CHECK_EQ(allocations().calls, before);
}

CONTRACT_CASE("a thousand connections one after the other leave no memory behind", everywhere) {
    EventLoop loop{mode.backend};
    ConnectionSet set{
        loop, echo(), {.trigger = mode.trigger, .idle_timeout = std::chrono::minutes{1}}};
    const auto live_and_die = [&] {
        Adopted one = adopt_unix(set);
        set.find(one.id)->set_deadline(later(Clock::now(), std::chrono::hours{1}));
        put(one.theirs, "hello");
        one.theirs.reset();
        settle(loop);
        REQUIRE_EQ(set.size(), 0);
    };
    for (int i = 0; i < 10; ++i) live_and_die();
    const std::size_t before = allocations().bytes;
    for (int i = 0; i < 1000; ++i) live_and_die();
    CHECK_EQ(allocations().bytes, before);
}
