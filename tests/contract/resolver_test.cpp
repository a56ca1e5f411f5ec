// The resolver: names are looked up off the loop, and answered on it. A gate holds the look-ups
// where a test wants them.

#include "support/child.hpp"
#include "support/descriptor_ledger.hpp"
#include "support/gate.hpp"
#include "support/streams.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <future>
#include <memory>
#include <netdb.h>
#include <new>
#include <optional>
#include <pollux/event_loop.hpp>
#include <pollux/stream/resolver.hpp>
#include <pollux/worker_pool.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

using namespace pollux;
using namespace pollux_test;

namespace {

using Addresses = std::vector<Address>;

// What a query's completion was called with.
struct Answer {
    int calls = 0;
    Addresses addresses;
    std::error_code error;

    Resolver::Completion note() {
        return [this](Addresses found, std::error_code why) {
            ++calls;
            addresses = std::move(found);
            error = why;
        };
    }
    bool only(const Addresses& expected) const {
        return calls == 1 && !error && addresses == expected;
    }
    bool only(std::error_code expected) const {
        return calls == 1 && error == expected && addresses.empty();
    }
};

std::error_code eai(int code) { return {code, resolve_category()}; }
std::error_code errno_code(int error) { return {error, std::generic_category()}; }

// A pool with one thread, which waits at a gate, and one place in its queue.
struct BusyPool {
    Gate gate;
    WorkerPool pool{{.threads = 1, .queue_limit = 1}};

    explicit BusyPool(EventLoop& loop) {
        std::promise<void> begun;
        CHECK(pool.submit(
            loop,
            [this, &begun] {
                begun.set_value();
                gate.wait();
            },
            [](const WorkResult<void>&) {}));
        begun.get_future().wait();
    }
    void fill(EventLoop& loop) {
        CHECK(pool.submit(
            loop, [] {}, [](const WorkResult<void>&) {}));
    }
};

Addresses unused(std::string_view, std::string_view, const ResolveOptions&) {
    FAIL_CHECK("looked up");
    return {};
}

} // namespace

TEST_CASE("Resolver: looks up elsewhere what it was asked, and answers on the loop's thread") {
    const DescriptorLedger ledger;
    EventLoop loop;
    WorkerPool pool;
    Addresses expected{Address::of("::1", 443), Address::of("127.0.0.1", 443)};
    std::string asked;
    std::thread::id looked_up_on;
    Resolver resolver{loop, pool,
                      [&](std::string_view host, std::string_view service, ResolveOptions options) {
                          looked_up_on = std::this_thread::get_id();
                          asked.append(host).append(" ").append(service);
                          asked += options.family == AF_INET6 ? " 6" : " ?";
                          return expected;
                      }};
    Answer answer;
    const auto query =
        resolver.resolve("host.example", "https", {.family = AF_INET6}, answer.note());
    CHECK_EQ(answer.calls, 0);
    run_until(loop, [&] { return answer.calls > 0; });
    settle(loop);
    CHECK(answer.only(expected));
    CHECK_EQ(asked, "host.example https 6");
    CHECK(looked_up_on != std::this_thread::get_id());
}

TEST_CASE("Resolver: what the look-up throws, or its silence, is an error") {
    EventLoop loop;
    WorkerPool pool;
    const auto answered = [&](Resolver::Lookup lookup) {
        Resolver resolver{loop, pool, std::move(lookup)};
        Answer answer;
        const auto query = resolver.resolve("host.example", "80", {}, answer.note());
        run_until(loop, [&] { return answer.calls > 0; });
        return answer;
    };
    const auto throws = [](auto error) {
        return [error](auto, auto, auto) -> Addresses { throw error; };
    };
    CHECK(answered(throws(std::system_error{eai(EAI_AGAIN)})).only(eai(EAI_AGAIN)));
    CHECK(answered(throws(std::bad_alloc{})).only(errno_code(ENOMEM)));
    CHECK(answered([](auto, auto, auto) { return Addresses{}; }).only(eai(EAI_NONAME)));
}

TEST_CASE("Resolver: a literal needs no thread, and is answered later all the same") {
    EventLoop loop;
    BusyPool busy{loop};
    busy.fill(loop);
    Resolver resolver{loop, busy.pool, unused};
    Answer literal;
    Answer name;
    Answer refused;
    const auto first = resolver.resolve("::1", "80", {}, literal.note());
    const auto second = resolver.resolve("name", "80", {.numeric_only = true}, name.note());
    const auto third = resolver.resolve(std::string(300, 'a'), "80", {}, refused.note());
    CHECK_EQ(literal.calls + name.calls + refused.calls, 0);
    run_until(loop, [&] { return literal.calls + name.calls + refused.calls == 3; });
    CHECK(literal.only({Address::of("::1", 80)}));
    CHECK(name.only(eai(EAI_NONAME)));
    CHECK(refused.only(errno_code(ENAMETOOLONG)));
    busy.gate.open();
}

TEST_CASE("Resolver: a full pool is an error, told later; then it takes again") {
    EventLoop loop;
    BusyPool busy{loop};
    busy.fill(loop);
    Addresses expected{Address::ipv4_loopback(80)};
    Resolver resolver{loop, busy.pool, [&](auto, auto, auto) { return expected; }};
    Answer refused;
    const auto query = resolver.resolve("host.example", "80", {}, refused.note());
    CHECK_EQ(refused.calls, 0);
    run_until(loop, [&] { return refused.calls > 0; });
    CHECK(refused.only(errno_code(EAGAIN)));
    busy.gate.open();
    run_until(loop, [&] { return busy.pool.waiting() == 0; });
    Answer taken;
    const auto again = resolver.resolve("host.example", "80", {}, taken.note());
    run_until(loop, [&] { return taken.calls > 0; });
    CHECK(taken.only(expected));
}

TEST_CASE("Resolver: the loop goes on while a name is looked up, and a query may be given up") {
    EventLoop loop;
    std::promise<void> looking_up;
    Gate gate;
    WorkerPool pool{{.threads = 1}};
    Resolver resolver{loop, pool, [&](auto, auto, auto) {
                          looking_up.set_value();
                          gate.wait();
                          return Addresses{Address::ipv4_loopback(80)};
                      }};
    Answer answer;
    const auto kept = std::make_shared<int>();
    std::optional query{resolver.resolve(
        "host.example", "80", {},
        [kept, note = answer.note()](Addresses found, std::error_code error) mutable {
            note(std::move(found), error);
        })};
    looking_up.get_future().wait();
    bool timer_ran = false;
    const Timer timer = loop.run_after({}, [&] { timer_ran = true; });
    run_until(loop, [&] { return timer_ran; });
    CHECK_EQ(kept.use_count(), 2);
    query.reset();
    CHECK_EQ(kept.use_count(), 1); // nothing waits for a look-up that nobody wants
    bool looked_up = false;
    CHECK(pool.submit(
        loop, [] {}, [&](const WorkResult<void>&) { looked_up = true; }));
    gate.open();
    run_until(loop, [&] { return looked_up; });
    settle(loop);
    CHECK_EQ(answer.calls, 0);
}

TEST_CASE("Resolver: what was given up before a thread had it is not looked up") {
    EventLoop loop;
    Gate gate;
    WorkerPool pool{{.threads = 1}};
    std::promise<void> looking_up;
    std::vector<std::string> asked; // by the one thread, read when it is done
    Resolver resolver{loop, pool, [&](std::string_view host, auto, auto) {
                          asked.emplace_back(host);
                          if (asked.size() == 1) {
                              looking_up.set_value();
                              gate.wait();
                          }
                          return Addresses{Address::ipv4_loopback(80)};
                      }};
    Answer given_up;
    Answer answer;
    const auto first = resolver.resolve("first.example", "80", {}, given_up.note());
    auto second = resolver.resolve("second.example", "80", {}, given_up.note());
    const auto third = resolver.resolve("third.example", "80", {}, answer.note());
    looking_up.get_future().wait();
    second = {};
    gate.open();
    run_until(loop, [&] { return answer.calls > 0; });
    CHECK_EQ(asked, std::vector<std::string>{"first.example", "third.example"});
    CHECK_EQ(given_up.calls, 1);
}

TEST_CASE("Resolver: a query given up in the turn of its answer is not answered") {
    EventLoop loop;
    WorkerPool pool;
    Resolver resolver{loop, pool};
    Answer answer;
    { const auto query = resolver.resolve("::1", "80", {}, answer.note()); }
    settle(loop);
    CHECK_EQ(answer.calls, 0);
}

TEST_CASE("Resolver: the completion may destroy its query, and the resolver may go before it") {
    EventLoop loop;
    WorkerPool pool;
    for (const char* host : {"::1", "host.example"}) {
        std::optional<Resolver> resolver{std::in_place, loop, pool, [](auto, auto, auto) {
                                             return Addresses{Address::ipv4_loopback(80)};
                                         }};
        int calls = 0;
        Resolver::Query query;
        query = resolver->resolve(host, "80", {}, [&](const Addresses& found, std::error_code) {
            query = {};
            CHECK_EQ(found.size(), 1);
            ++calls;
        });
        resolver.reset();
        run_until(loop, [&] { return calls > 0; });
        settle(loop);
        CHECK_EQ(calls, 1);
    }
}

TEST_CASE("Resolver: by default it asks the system") {
    EventLoop loop;
    WorkerPool pool;
    Resolver resolver{loop, pool};
    Answer answer;
    const auto query = resolver.resolve("localhost", "80", {.family = AF_INET}, answer.note());
    run_until(loop, [&] { return answer.calls > 0; });
    CHECK(answer.only({Address::ipv4_loopback(80)}));
}

TEST_CASE("Resolver: in a forked child what needs a thread of the parent throws") {
    EventLoop loop;
    WorkerPool pool;
    Resolver resolver{loop, pool};
    holds_in_child([&](const Expect& expect) {
        loop.after_fork();
        Answer answer;
        const auto numeric = resolver.resolve("127.0.0.1", "80", {}, answer.note());
        settle(loop);
        expect(answer.only(Addresses{Address::parse("127.0.0.1:80")}), "what needs none does not");
        try {
            const auto query = resolver.resolve("localhost", "80", {}, answer.note());
            expect(false, "it throws");
        } catch (const std::logic_error&) {
        }
    });
}
