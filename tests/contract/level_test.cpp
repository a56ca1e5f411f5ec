// L24–L33 of the catalogue: what a registration reports as the state of its descriptor changes.
// Cases that hold for one state after another run on every trigger: a descriptor that was not
// ready and becomes so is news to all of them.

#include <cerrno>
#include <netinet/in.h>
#include <poll.h>
#include <pollux/error.hpp>
#include <set>
#include <string>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "support/contract.hpp"
#include "support/failing_memory.hpp"
#include "support/observing.hpp"
#include "support/sockets.hpp"

using namespace pollux;
using namespace pollux_test;

namespace {

// Arms a one-shot registration again; an edge registration would report what stays ready.
void rearm(const Mode& mode, Reactor& reactor, const Fd& fd, Token token, Interest interest) {
    if (mode.is(Trigger::one_shot)) reactor.modify(fd.get(), token, interest, mode.trigger);
}

} // namespace

CONTRACT_CASE("L24 what was left unread is reported again", on_level) {
    const Ends ends = unix_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    put(ends.theirs, std::string(2048, 'x'));
    CHECK_EQ(look(*reactor), "1:readable");
    CHECK_EQ(take(ends.ours, 1024).size(), 1024);
    CHECK_EQ(look(*reactor), "1:readable");
    CHECK_EQ(take(ends.ours, 1024).size(), 1024);
    CHECK_EQ(look(*reactor), "");
}

CONTRACT_CASE("L26 readable and writable at once: one event says both", everywhere) {
    const Ends ends = unix_pair();
    put(ends.theirs, "x");
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read_write, mode.trigger);
    CHECK_EQ(look(*reactor), "1:readable|writable");
}

CONTRACT_CASE("L27 a full Unix stream is not writable until its peer reads", everywhere) {
    const Ends ends = unix_pair();
    const std::size_t queued = fill(ends.ours);
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::write, mode.trigger);
    CHECK_EQ(look(*reactor), "");
    for (std::size_t taken = 0; taken < queued;) taken += take(ends.theirs).size();
    CHECK_EQ(look(*reactor), "1:writable");
}

CONTRACT_CASE("L27 a full pipe is not writable until it is read", everywhere) {
    const Ends ends = pipe_ends();
    const std::size_t queued = fill(ends.theirs);
    const auto reactor = mode.reactor();
    reactor->add(ends.theirs.get(), Token{1}, Interest::write, mode.trigger);
    CHECK_EQ(look(*reactor), "");
    for (std::size_t taken = 0; taken < queued;) taken += take(ends.ours).size();
    CHECK_EQ(look(*reactor), "1:writable");
}

CONTRACT_CASE("L28 SO_RCVLOWAT: fewer bytes are not readable, the end of the stream is",
              everywhere) {
    const Ends ends = tcp_pair();
    const int least = 10;
    check(::setsockopt(ends.ours.get(), SOL_SOCKET, SO_RCVLOWAT, &least, sizeof least),
          "setsockopt SO_RCVLOWAT");
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    const auto arrived = [&](std::size_t size) {
        std::string peeked(64, '\0');
        while (::recv(ends.ours.get(), peeked.data(), peeked.size(), MSG_PEEK) !=
               static_cast<ssize_t>(size))
            CHECK_EQ(look(*reactor), "");
    };
    put(ends.theirs, "12345");
    arrived(5);
    CHECK_EQ(look(*reactor), "");
    put(ends.theirs, "67890");
    await_told(ends.ours, POLLIN);
    CHECK_EQ(look(*reactor), "1:readable");
    CHECK_EQ(take(ends.ours), "1234567890");
    rearm(mode, *reactor, ends.ours, Token{1}, Interest::read);
    put(ends.theirs, "1");
    arrived(1);
    CHECK_EQ(look(*reactor), "");
    check(::shutdown(ends.theirs.get(), SHUT_WR), "shutdown");
    await_told(ends.ours, POLLRDHUP);
    CHECK_EQ(look(*reactor), mode.is(Backend::select) ? "1:readable" : "1:readable|peer_closed");
}

CONTRACT_CASE("L29 an urgent byte is told to who asked for it, and never as readable", everywhere) {
    const Ends ends = tcp_pair();
    const Fd second{check(::dup(ends.ours.get()), "dup")};
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    reactor->add(second.get(), Token{2}, Interest::read | Interest::urgent, mode.trigger);
    REQUIRE_EQ(::send(ends.theirs.get(), "!", 1, MSG_OOB), 1);
    await_told(ends.ours, POLLPRI);
    CHECK_EQ(look(*reactor), "2:urgent");
    char byte = 0;
    CHECK_EQ(::recv(ends.ours.get(), &byte, 1, MSG_OOB), 1);
    CHECK_EQ(byte, '!');
    CHECK_EQ(look(*reactor), "");
}

CONTRACT_CASE("L30 our own shutdown of the receiving side is the end of the stream", everywhere) {
    for (const Ends& ends : {unix_pair(), tcp_pair()}) {
        const auto reactor = mode.reactor();
        reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
        CHECK_EQ(look(*reactor), "");
        check(::shutdown(ends.ours.get(), SHUT_RD), "shutdown");
        CHECK_EQ(look(*reactor),
                 mode.is(Backend::select) ? "1:readable" : "1:readable|peer_closed");
        char byte = 0;
        CHECK_EQ(::read(ends.ours.get(), &byte, 1), 0);
    }
}

// Method: a thousand are ready and stay so. Nobody waits for a second turn of somebody else: the
// number of waits is what the first, smallest batch would need.
CONTRACT_CASE("L32 more ready than a batch holds: all are served in turn", everywhere) {
    constexpr std::size_t count = 1000;
    constexpr std::size_t smallest_batch = 64;
    const auto reactor = mode.reactor();
    std::vector<Fd> counters;
    for (std::size_t place = 0; place < count; ++place) {
        counters.push_back(counter(1));
        reactor->add(counters.back().get(), Token{place}, Interest::read, mode.trigger);
    }
    std::set<std::uint64_t> served;
    std::size_t events = 0;
    for (std::size_t waits = 0; waits < (count + smallest_batch - 1) / smallest_batch; ++waits) {
        const auto found = tokens(reactor->wait(Timeout::zero()));
        served.insert(found.begin(), found.end());
        events += found.size();
    }
    CHECK_EQ(served.size(), count);
    if (!mode.is(Trigger::level)) CHECK_EQ(events, count);
}

CONTRACT_CASE("L33 the batch grows and idles without losing events", everywhere) {
    constexpr std::size_t count = 900;
    const auto reactor = mode.reactor();
    std::vector<Fd> counters;
    for (std::size_t place = 0; place < count; ++place) {
        counters.push_back(counter());
        reactor->add(counters.back().get(), Token{place}, Interest::read, mode.trigger);
    }
    for (const std::size_t ready : {std::size_t{1}, count, std::size_t{64}, std::size_t{65},
                                    std::size_t{128}, count, std::size_t{1}}) {
        CAPTURE(ready);
        for (std::size_t place = 0; place < ready; ++place)
            check(::eventfd_write(counters[place].get(), 1), "eventfd_write");
        // Serving one: reading it and arming it again.
        std::size_t served = 0;
        for (auto batch = reactor->wait(Timeout::zero()); !batch.empty();
             batch = reactor->wait(Timeout::zero())) {
            for (const Event& event : batch) {
                const Fd& fd = counters.at(static_cast<std::size_t>(event.token));
                eventfd_t value = 0;
                REQUIRE_EQ(::eventfd_read(fd.get(), &value), 0); // ready, and only once
                rearm(mode, *reactor, fd, event.token, Interest::read);
            }
            served += batch.size();
        }
        CHECK_EQ(served, ready);
    }
}

CONTRACT_CASE("epoll: where memory for more was refused the batch grows no faster later",
              with_every_trigger) {
    if (mode.is(Trigger::edge)) return; // tells each once
    const auto reactor = mode.reactor();
    std::vector<Fd> counters;
    for (std::size_t place = 0; place < 300; ++place) {
        counters.push_back(counter(1));
        reactor->add(counters.back().get(), Token{place}, Interest::read, mode.trigger);
    }
    const auto batch = [&] {
        const std::size_t size = reactor->wait(Timeout::zero()).size();
        for (std::size_t place = 0; place < counters.size(); ++place)
            rearm(mode, *reactor, counters[place], Token{place}, Interest::read);
        return size;
    };
    for (const int nth : {2, 1, 1}) {
        const FailingMemory failing{nth};
        CHECK_EQ(batch(), 64);
    }
    CHECK_EQ(batch(), 64);
    CHECK_EQ(batch(), 128);
}

CONTRACT_CASE("bug-C11 a look into what has come takes no readiness away", everywhere) {
    const Ends ends = unix_pair();
    const auto reactor = mode.reactor();
    const int fd = ends.ours.get();
    reactor->add(fd, Token{1}, Interest::read, mode.trigger);
    const auto peek = [&] {
        char byte{};
        return ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    };
    CHECK_EQ(peek(), -1); // would block: what comes later is told all the same
    put(ends.theirs, "x");
    CHECK_EQ(look(*reactor), "1:readable");
    CHECK_EQ(peek(), 1);
    CHECK_EQ(look(*reactor), mode.is(Trigger::level) ? "1:readable" : "");
    reactor->modify(fd, Token{1}, Interest::read, mode.trigger);
    CHECK_EQ(look(*reactor), "1:readable");
    CHECK_EQ(take(ends.ours), "x");
}
