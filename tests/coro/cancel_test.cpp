// A task with all kinds of awaits, stopped or destroyed at every one of them, in every number: all
// frames go, and each of their variables once.

#include "coro/library.hpp"
#include "support/failing_memory.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <pollux/coro/acceptor.hpp>
#include <pollux/coro/connect.hpp>
#include <pollux/coro/stoppable.hpp>
#include <pollux/coro/within.hpp>
#include <pollux/coro/work.hpp>
#include <pollux/instruments/call_hook.hpp>
#include <pollux/instruments/fault_injection.hpp>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <system_error>
#include <vector>

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;
using coro::Scope;

namespace {

// What happened to the variables of all frames, and to the awaits.
struct Ledger {
    int made = 0;
    int destroyed = 0;
    int cancelled = 0;
    int awaits = 0; // begun
    int ends = 0;   // of whole scripts
};

class Local {
public:
    explicit Local(Ledger& ledger) : ledger_{&ledger} { ++ledger_->made; }
    Local(const Local&) = delete;
    Local& operator=(const Local&) = delete;
    ~Local() { ++ledger_->destroyed; }

private:
    Ledger* ledger_;
};

// What a script talks to: everything it waits for comes by itself.
struct World {
    explicit World(const Mode& mode)
        : loop{mode.backend},
          trigger{mode.trigger},
          acceptor{loop, Socket::listen(Address::ipv4_loopback(0)), {.trigger = mode.trigger}} {}

    EventLoop loop;
    Trigger trigger;
    coro::Acceptor acceptor;
    Ledger ledger;
};

coro::Task<int> nested(World& world, int levels) {
    const Local local{world.ledger};
    if (levels > 0) co_return co_await nested(world, levels - 1) + 1;
    ++world.ledger.awaits;
    co_await coro::next_turn();
    co_return 0;
}

coro::Task<> side(World& world) {
    const Local local{world.ledger};
    co_await coro::next_turn();
    co_await coro::next_turn();
}

// Each `++awaits` stands before one point at which it may be stopped.
coro::Task<> talk(World& world) {
    const Local local{world.ledger};
    auto [mine, theirs] = Socket::pair();
    coro::Stream one{world.loop, std::move(mine), world.trigger};
    coro::Stream other{world.loop, std::move(theirs), world.trigger};
    std::array<std::byte, 16> buffer{};
    ++world.ledger.awaits;
    co_await one.writable();
    ++world.ledger.awaits;
    co_await one.write(bytes_of("0123456789abcdef"));
    ++world.ledger.awaits;
    co_await other.readable();
    ++world.ledger.awaits;
    co_await other.read_exactly(buffer);
    Scope both{world.loop};
    const auto late = [](coro::Stream& to) -> coro::Task<> {
        co_await coro::next_turn();
        co_await to.write(bytes_of("late"));
    };
    both.start(late(one));
    ++world.ledger.awaits;
    co_await other.read(buffer);
    ++world.ledger.awaits;
    co_await both.join();
}

coro::Task<> script(World& world) {
    const Local local{world.ledger};
    ++world.ledger.awaits;
    co_await coro::sleep(0s);
    ++world.ledger.awaits;
    co_await coro::sleep_until({});
    co_await nested(world, 3);
    co_await talk(world);
    Scope sides{world.loop};
    sides.start(side(world));
    sides.start(side(world));
    ++world.ledger.awaits;
    co_await sides.join();
    co_await coro::within(1h, nested(world, 1));
    std::stop_source source;
    co_await coro::stoppable(source.get_token(), nested(world, 1));
    ++world.ledger.awaits;
    co_await coro::posted(world.loop, [] { return 1; });
    ++world.ledger.awaits;
    co_await coro::connect(world.acceptor.address(), 10s);
    ++world.ledger.awaits;
    co_await world.acceptor.accept();
    ++world.ledger.ends;
}

coro::Task<> watched(World& world) {
    const Local local{world.ledger};
    try {
        co_await script(world);
    } catch (const coro::Cancelled&) {
        ++world.ledger.cancelled;
        throw;
    }
}

// How many awaits a script that nobody stops begins.
int points_of(const Mode& mode) {
    World world{mode};
    Scope scope{world.loop};
    scope.start(watched(world));
    run_until(world.loop, [&] { return scope.size() == 0; });
    REQUIRE_EQ(world.ledger.ends, 1);
    REQUIRE_EQ(world.ledger.made, world.ledger.destroyed);
    return world.ledger.awaits;
}

// Runs a script until it stands at its `point`th await; some are done at once.
void advance(World& world, int point) {
    for (int turns = 0; world.ledger.awaits < point && turns < 1000; ++turns)
        world.loop.run_once(10ms);
}

} // namespace

CONTRACT_CASE("a task that is asked to stop ends at every await", everywhere) {
    const int points = points_of(mode);
    CHECK_GE(points, 15);
    for (int point = 1; point <= points; ++point) {
        World world{mode};
        Scope scope{world.loop};
        scope.start(watched(world));
        advance(world, point);
        if (scope.size() == 0) break; // the last ones are done in one go
        scope.request_stop();
        run_until(world.loop, [&] { return scope.size() == 0; });
        CHECK_EQ(world.ledger.ends + world.ledger.cancelled, 1);
        CHECK_EQ(world.ledger.made, world.ledger.destroyed);
        settle(world.loop);
    }
}

CONTRACT_CASE("a task whose scope is destroyed goes at every await", everywhere) {
    const int points = points_of(mode);
    for (int point = 1; point <= points; ++point) {
        World world{mode};
        {
            Scope scope{world.loop};
            scope.start(watched(world));
            advance(world, point);
        }
        CHECK_EQ(world.ledger.cancelled, 0);
        CHECK_EQ(world.ledger.made, world.ledger.destroyed);
        settle(world.loop);
    }
}

CONTRACT_CASE("a task that is stopped before it starts throws at its first await", everywhere) {
    World world{mode};
    Scope scope{world.loop};
    scope.request_stop();
    scope.start(watched(world));
    CHECK_EQ(scope.size(), 0);
    CHECK_EQ(world.ledger.awaits, 1);
    CHECK_EQ(world.ledger.cancelled, 1);
}

namespace {

constexpr int kinds = 9;

// One kind of await for ever, whatever it is.
coro::Task<> wait_for(World& world, int kind, coro::Stream& stream, coro::Stream& full) {
    const Local local{world.ledger};
    std::array<std::byte, 16> buffer{};
    switch (kind % kinds) {
    case 0:
        co_await coro::sleep(1h);
        break;
    case 1:
        co_await coro::within(2h, nested(world, 2));
        co_await coro::sleep(1h);
        break;
    case 2:
        co_await stream.read(buffer);
        break;
    case 3:
        co_await stream.readable();
        break;
    case 4:
        co_await full.write(bytes_of("x"));
        break;
    case 5:
        co_await full.writable();
        break;
    case 6:
        for (;;) co_await coro::next_turn();
    case 7:
        for (;;) co_await coro::posted(world.loop, [] {});
    default: {
        Scope inner{world.loop};
        inner.start(side(world));
        inner.start(wait_for(world, 0, stream, full));
        co_await inner.join();
    }
    }
}

coro::Task<> with_streams(World& world, int kind) {
    const Local local{world.ledger};
    auto [mine, theirs] = Socket::pair(); // the other end is silent
    coro::Stream stream{world.loop, std::move(mine), world.trigger};
    if (kind % kinds == 4 || kind % kinds == 5) {
        stream.socket().set(option::send_buffer, 4096);
        std::array<std::byte, 4096> block{};
        while (stream.socket().write(block).state == IoState::ok) {
        }
    }
    co_await wait_for(world, kind, stream, stream);
}

} // namespace

CONTRACT_CASE("10 000 tasks, stopped or destroyed wherever they wait", everywhere) {
    World world{mode};
    // As many at a time as have room in the descriptors of select.
    constexpr int at_once = 400;
    int cancelled = 0;
    for (int started = 0; started < 10'000; started += at_once) {
        Scope scope{world.loop};
        for (int i = 0; i < at_once; ++i) scope.start(with_streams(world, started / at_once + i));
        for (int i = 0; i < started / at_once % 4; ++i) world.loop.run_once(Timeout::zero());
        if (started / at_once % 2 == 0) {
            scope.request_stop();
            run_until(world.loop, [&] { return scope.size() == 0; });
            cancelled += at_once;
        }
    }
    CHECK_GE(cancelled, 5'000);
    CHECK_GE(world.ledger.made, 20'000);
    CHECK_EQ(world.ledger.made, world.ledger.destroyed);
    settle(world.loop);
}

CONTRACT_CASE("an exception in place of a stop goes the same way", everywhere) {
    World world{mode};
    Scope scope{world.loop};
    const auto failing = [](World& in) -> coro::Task<> {
        const Local local{in.ledger};
        co_await nested(in, 5);
        throw std::runtime_error{"failed"};
    };
    const auto outer = [&](World& in) -> coro::Task<> {
        const Local local{in.ledger};
        Scope inner{in.loop};
        for (int kind = 0; kind < kinds; ++kind) inner.start(with_streams(in, kind));
        inner.start(failing(in));
        co_await inner.join();
    };
    scope.start(outer(world));
    CHECK_THROWS_WITH(settle(world.loop), "failed");
    CHECK_EQ(scope.size(), 0);
    CHECK_EQ(world.ledger.made, world.ledger.destroyed);
}

namespace {

// Has done so much at once that its next await is put off.
coro::Task<> spend_budget(coro::Stream& stream) {
    for (int i = 0; i < 16; ++i) co_await stream.write({});
}

} // namespace

CONTRACT_CASE("what is put off ends when its stream goes", everywhere) {
    for (int kind = 0; kind < 4; ++kind) {
        World world{mode};
        Scope scope{world.loop};
        auto [mine, theirs] = Socket::pair();
        std::optional<coro::Stream> stream{std::in_place, world.loop, std::move(mine),
                                           mode.trigger};
        int error = 0;
        const auto task = [&]() -> coro::Task<> {
            co_await spend_budget(*stream);
            std::byte byte{};
            try {
                if (kind == 0) error = (co_await stream->read({&byte, 1})).error;
                if (kind == 1) error = (co_await stream->write(bytes_of("x"))).error;
                if (kind == 2) co_await stream->readable();
                if (kind == 3) co_await stream->writable();
            } catch (const std::system_error& failure) {
                error = failure.code().value();
            }
        };
        scope.start(task());
        CHECK_EQ(scope.size(), 1);
        stream.reset();
        settle(world.loop);
        CHECK_EQ(error, EBADF);
        CHECK_EQ(scope.size(), 0);
    }
}

CONTRACT_CASE("X4 a stop needs no memory, again and again", everywhere) {
    const FakeClock clock;
    World world{mode};
    Scope scope{world.loop};
    for (int time = 0; time < 3; ++time) {
        const auto task = [&]() -> coro::Task<> { co_await coro::sleep(1h); };
        scope.start(task());
        {
            const FaultInjection no_memory{FaultPlan::parse("new@*=ENOMEM")};
            scope.request_stop();
            if (time == 1) world.loop.run_once(Timeout::zero()); // none for the next one either
        }
        run_until(world.loop, [&] { return scope.size() == 0; });
        CHECK_EQ(scope.size(), 0);
    }
    settle(world.loop);
}

CONTRACT_CASE("what is put off does not begin once it is to stop, however often", everywhere) {
    World world{mode};
    Scope scope{world.loop};
    auto [mine, theirs] = Socket::pair();
    coro::Stream stream{world.loop, std::move(mine), mode.trigger};
    std::stop_source inner;
    std::stop_source outer;
    std::vector<std::string> seen;
    const auto leaf = [&]() -> coro::Task<> {
        co_await spend_budget(stream);
        try {
            co_await stream.write(bytes_of("x"));
        } catch (const coro::Cancelled&) {
            seen.emplace_back("leaf");
            throw;
        }
    };
    const auto middle = [&]() -> coro::Task<> {
        try {
            co_await coro::stoppable(inner.get_token(), leaf());
        } catch (const coro::Cancelled&) {
            seen.emplace_back("middle");
        }
        co_await coro::sleep(1h);
    };
    const auto root = [&]() -> coro::Task<> {
        try {
            co_await coro::stoppable(outer.get_token(), middle());
        } catch (const coro::Cancelled&) {
            seen.emplace_back("root");
            throw;
        }
    };
    scope.start(root());
    inner.request_stop();
    outer.request_stop();
    scope.request_stop();
    scope.request_stop();
    settle(world.loop);
    CHECK_EQ(seen, std::vector<std::string>{"leaf", "middle", "root"});
    CHECK_EQ(scope.size(), 0);
    std::byte byte{};
    CHECK(theirs.read({&byte, 1}).state == IoState::would_block);
}
