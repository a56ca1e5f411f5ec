// What a fault plan does to the calls of the library, and what it leaves alone.

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <memory>
#include <netdb.h>
#include <new>
#include <poll.h>
#include <pollux/event_loop.hpp>
#include <pollux/instruments/fault_injection.hpp>
#include <pollux/net/resolve.hpp>
#include <pollux/net/socket.hpp>
#include <pollux/worker_pool.hpp>
#include <string>

#include "support/contract.hpp"
#include "support/descriptor_ledger.hpp"
#include "support/failing_memory.hpp"
#include "support/library_sockets.hpp"
#include "support/sockets.hpp"

using namespace pollux;
using namespace pollux_test;

namespace {

char letter_of(const IoResult& result) {
    if (result.state == IoState::ok) return static_cast<char>('0' + result.bytes);
    return result.state == IoState::error ? 'E' : 'b';
}

struct Streams {
    Streams() {
        std::tie(ours, theirs) = Socket::pair();
        static_cast<void>(theirs.write(bytes_of(std::string(64, 'x'))));
    }
    // What each of so many reads of two bytes says.
    std::string reads(int count) {
        std::string said;
        for (int read = 0; read < count; ++read) said += letter_of(read_once(ours, 2));
        return said;
    }
    Socket ours;
    Socket theirs;
};

std::string reads_under(std::string_view line, int count = 8) {
    Streams streams;
    const FaultInjection injection{FaultPlan::parse(line)};
    return streams.reads(count);
}

} // namespace

TEST_CASE("fault injection: which calls of a kind it befalls") {
    CHECK_EQ(reads_under(""), "22222222");
    CHECK_EQ(reads_under("recv@3=ECONNRESET"), "22E22222");
    CHECK_EQ(reads_under("recv@3+=ECONNRESET"), "22EEEEEE");
    CHECK_EQ(reads_under("recv@3-4=ECONNRESET"), "22EE2222");
    CHECK_EQ(reads_under("recv@2+3=ECONNRESET"), "2E22E22E");
    CHECK_EQ(reads_under("recv@2-5+3=ECONNRESET"), "2E22E222");
    CHECK_EQ(reads_under("recv@*=ECONNRESET"), "EEEEEEEE");
    CHECK_EQ(reads_under("*@3=ECONNRESET"), "22E22222");
    CHECK_EQ(reads_under("send@1=ECONNRESET"), "22222222");
    CHECK_EQ(reads_under("recv@2=ECONNRESET;recv@4=EAGAIN"), "2E2b2222");
    CHECK_EQ(reads_under("recv@2=ECONNRESET;recv@2=EAGAIN"), "2E222222");
    CHECK_EQ(reads_under("recv@2+2=short:1"), "21212121");
    CHECK_EQ(reads_under("recv[0]@*=ECONNRESET"), "22222222");
}

TEST_CASE("fault injection: only the descriptor that is meant") {
    Streams one;
    Streams other;
    FaultPlan plan;
    plan.add(
        {.call = "recv", .fd = other.ours.fd(), .first = 2, .last = 2, .fault = {.error = EIO}});
    const FaultInjection injection{plan};
    CHECK_EQ(one.reads(3), "222");
    CHECK_EQ(other.reads(3), "2E2");
    CHECK_EQ(injection.injected(), 1);
    CHECK_EQ(injection.log(), "recv@5=EIO"); // among all
}

TEST_CASE("fault injection: what was drawn is the same for one seed, and can be pasted back") {
    const auto run = [](std::string_view line) {
        Streams streams;
        const FaultInjection injection{FaultPlan::parse(line)};
        const std::string said = streams.reads(32);
        return std::pair{said, injection.log()};
    };
    const auto drawn = run("seed=7;recv@30%=any;recv@30%=short:1");
    CHECK_EQ(run("seed=7;recv@30%=any;recv@30%=short:1"), drawn);
    CHECK_EQ(run(drawn.second), drawn);
    CHECK_NE(run("seed=8;recv@30%=any;recv@30%=short:1"), drawn);
}

TEST_CASE("fault injection: an empty plan counts what it could reach, and not in a pause") {
    Streams streams;
    const FaultInjection injection{{}};
    streams.reads(3);
    {
        const FaultInjection::Pause pause;
        const FaultInjection::Pause another;
        streams.reads(2);
    }
    streams.reads(1);
    std::uint64_t reads = 0;
    for (const CallsInReach& call : injection.calls())
        if (call.name == "recv") reads += call.made;
    CHECK_EQ(reads, 4);
    CHECK_EQ(injection.injected(), 0);
}

TEST_CASE("fault injection: of two the later is in force, until it ends") {
    Streams streams;
    const FaultInjection outer{FaultPlan::parse("recv@2+=ECONNRESET")};
    CHECK_EQ(streams.reads(2), "2E");
    {
        const FaultInjection inner{FaultPlan::parse("recv@3=EIO")};
        CHECK_EQ(streams.reads(4), "22E2");
    }
    CHECK_EQ(streams.reads(1), "E");
    CHECK_EQ(outer.log(), "recv@2=ECONNRESET;recv@3=ECONNRESET");
}

TEST_CASE("fault injection: a hook is asked too, and what is later decided counts") {
    Streams streams;
    std::uint64_t seen = 0;
    const CallHook below{[&](const CallPoint& call) {
        if (call.name == "recv") ++seen;
        return CallOutcome{};
    }};
    const FaultInjection injection{FaultPlan::parse("recv@2+=ECONNRESET")};
    const CallHook above{[&](const CallPoint& call) {
        return call.name == "recv" && call.nth == 3 ? CallOutcome{.at_most = 1} : CallOutcome{};
    }};
    CHECK_EQ(streams.reads(4), "2E1E");
    CHECK_EQ(seen, 4);
    CHECK_EQ(injection.injected(), 2);
}

TEST_CASE("fault injection: a close that fails has closed") {
    const DescriptorLedger ledger;
    Streams streams;
    const FaultInjection injection{FaultPlan::parse("close@1=EINTR;close@2=EIO")};
    streams.ours.close();
    streams.theirs.close();
    CHECK_EQ(injection.injected(), 2);
}

TEST_CASE("fault injection: a connect that is interrupted, or takes its time, is under way") {
    for (const char* line : {"connect@1=EINTR", "connect@1=EINPROGRESS"}) {
        const Socket listener = Socket::listen(Address::ipv4_loopback(0));
        Socket client = Socket::open(AF_INET);
        const FaultInjection injection{FaultPlan::parse(line)};
        static_cast<void>(client.connect(listener.local()));
        await(client, POLLOUT);
        CHECK_FALSE(client.take_error());
        CHECK_EQ(client.peer(), listener.local());
    }
}

TEST_CASE("fault injection: calls fail as they do when the kernel refuses") {
    const auto text = [](std::string_view line, auto act) {
        const FaultInjection injection{FaultPlan::parse(line)};
        return failure(act);
    };
    CHECK_EQ(text("pthread_create@1=EAGAIN", [] { const WorkerPool pool{{.threads = 1}}; }),
             "pthread_create 1 of 1 workers: Resource temporarily unavailable");
    CHECK_EQ(text("getaddrinfo@*=EAI_FAIL", [] { resolve("localhost", "1"); }),
             "resolve localhost 1: Non-recoverable failure in name resolution");
}

TEST_CASE("fault injection: what can not fail is neither counted nor harmed") {
    const FaultInjection injection{FaultPlan::parse("fcntl@*=EMFILE;read@*=EIO;write@*=short:1")};
    EventLoop loop; // asks fcntl, and reads and writes its eventfd
    bool ran = false;
    loop.post([&] {
        ran = true;
        loop.stop();
    });
    loop.run();
    CHECK(ran);
    CHECK_EQ(injection.injected(), 0);
}

TEST_CASE("fault injection: an allocation fails") {
    const FaultInjection injection{FaultPlan::parse("new@2=ENOMEM")};
    const auto allocated = [] {
        try {
            void* volatile held = ::operator new(1); // seen to be used: else it may be left out
            ::operator delete(held);
            return true;
        } catch (const std::bad_alloc&) {
            return false;
        }
    };
    const std::array<bool, 3> made{allocated(), allocated(), allocated()};
    CHECK_EQ(made, std::array{true, false, true});
    CHECK_EQ(injection.log(), "new@2=ENOMEM");
}

TEST_CASE("fault injection: live allocations are counted") {
    const std::int64_t before = live_allocations();
    auto held = std::make_unique<std::string>(100, 'x');
    CHECK_EQ(live_allocations(), before + 2);
    held.reset();
    CHECK_EQ(live_allocations(), before);
}

TEST_CASE("fault injection: a delay passes on the fake clock") {
    Streams streams;
    const FakeClock clock;
    const Clock::time_point before = Clock::now();
    const FaultInjection injection{FaultPlan::parse("recv@2=delay:5s;recv@2=delay:1s;recv@2=EIO")};
    CHECK_EQ(streams.reads(2), "2E");
    CHECK_EQ(Clock::now() - before, std::chrono::seconds{6});
    CHECK_EQ(injection.log(), "recv@2=delay:5s;recv@2=delay:1s;recv@2=EIO");
}

TEST_CASE("fault injection: a callback decides, and knows which call it is") {
    Streams streams;
    FaultPlan plan;
    plan.add({.call = "recv",
              .first = 2,
              .fault = {.kind = Fault::Kind::callback, .decide = [](const CallPoint& call) {
                            return call.nth == 3 ? CallOutcome{.error = EIO} : CallOutcome{};
                        }}});
    const FaultInjection injection{plan};
    CHECK_EQ(streams.reads(4), "22E2");
    CHECK_EQ(injection.log(), "recv@3=callback");
}

CONTRACT_CASE("fault injection: a spurious wait reports all that it was asked about",
              not_on_io_uring) {
    const Ends idle = unix_pair();
    const Ends other = unix_pair();
    auto reactor = mode.reactor();
    reactor->add(idle.ours.get(), Token{1}, Interest::read, mode.trigger);
    reactor->add(other.ours.get(), Token{2}, Interest::read | Interest::write, mode.trigger);
    static_cast<void>(fill(other.ours));
    static_cast<void>(reactor->wait(Timeout::zero())); // an edge that was there at first
    reactor->modify(idle.ours.get(), Token{1}, Interest::read, mode.trigger);
    reactor->modify(other.ours.get(), Token{2}, Interest::read | Interest::write, mode.trigger);

    const FaultInjection injection{FaultPlan::parse("wait@1=spurious")};
    int seen = 0;
    for (const Event& event : reactor->wait(forever)) {
        CHECK(has(event.ready, Readiness::readable));
        CHECK_EQ(has(event.ready, Readiness::writable), event.token == Token{2});
        ++seen;
    }
    CHECK_EQ(seen, 2);
    CHECK_EQ(injection.injected(), 1);
    // Then the truth again; a one-shot registration has been used up.
    CHECK(reactor->wait(Timeout::zero()).empty());
    put(idle.theirs, "x");
    CHECK_EQ(reactor->wait(Timeout::zero()).size(), mode.is(Trigger::one_shot) ? 0 : 1);
}
