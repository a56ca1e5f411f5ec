// What happens to a user who breaks the contract of the seam: closes, replaces or duplicates what
// is watched without removing it first (P3). Nothing may crash, nobody else may suffer, and each
// facility's own behaviour is written down, for the tiers above must know it. D15 and bug-A3–A7,
// bug-B5 of the catalogue; R5, R6, L19, L20 and L23 are tried beside their neighbours.

#include <array>
#include <cerrno>
#include <pollux/error.hpp>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include "support/contract.hpp"
#include "support/observing.hpp"
#include "support/sockets.hpp"
#include "support/wake_up_budget.hpp"

using namespace pollux;
using namespace pollux_test;

CONTRACT_CASE("D15, bug-B5 one closed among three: it is reported once, the others are served",
              everywhere) {
    std::array<Ends, 3> pairs{unix_pair(), unix_pair(), unix_pair()};
    const auto reactor = mode.reactor();
    for (std::size_t place = 0; place < pairs.size(); ++place) {
        reactor->add(pairs.at(place).ours.get(), Token{place}, Interest::read, mode.trigger);
        put(pairs.at(place).theirs, "x");
    }
    const int closed = pairs[1].ours.get();
    pairs[1].ours.reset();
    switch (mode.backend) {
    case Backend::select: // fails as a whole: the bad one first, the others by the next wait
        CHECK_EQ(look(*reactor), "1:readable|writable|error");
        CHECK_EQ(look(*reactor), "0:readable 2:readable");
        break;
    case Backend::poll:
    case Backend::io_uring:
        CHECK_EQ(look(*reactor), "0:readable 1:readable|writable|error 2:readable");
        break;
    case Backend::epoll: // forgot it when it was closed
    case Backend::adaptive:
        CHECK_EQ(look(*reactor), "0:readable 2:readable");
        break;
    }
    CHECK_EQ(look(*reactor), mode.is(Trigger::level) ? "0:readable 2:readable" : "");
    CHECK_FALSE(reactor->remove(closed)); // gone everywhere by now
    CHECK_EQ(error_of([&] { reactor->modify(closed, Token{1}, Interest::read, mode.trigger); }),
             on_epoll(mode) ? EBADF : ENOENT);
    const Ends next = unix_pair();
    REQUIRE_EQ(next.ours.get(), closed);
    reactor->add(next.ours.get(), Token{9}, Interest::write, mode.trigger);
    CHECK_EQ(look(*reactor),
             mode.is(Trigger::level) ? "0:readable 2:readable 9:writable" : "9:writable");
}

CONTRACT_CASE("D15 all closed: each is reported once", not_on_epoll) {
    std::array<Ends, 3> pairs{unix_pair(), unix_pair(), unix_pair()};
    const auto reactor = mode.reactor();
    for (std::size_t place = 0; place < pairs.size(); ++place)
        reactor->add(pairs.at(place).ours.get(), Token{place}, Interest::read, mode.trigger);
    for (Ends& ends : pairs) ends.ours.reset();
    CHECK_EQ(look(*reactor),
             "0:readable|writable|error 1:readable|writable|error 2:readable|writable|error");
    CHECK_EQ(look(*reactor), "");
}

CONTRACT_CASE("D15 a silent one-shot registration stays silent when its descriptor is closed",
              on_one_shot) {
    Ends silent = unix_pair();
    Ends armed = unix_pair();
    const auto reactor = mode.reactor();
    reactor->add(silent.ours.get(), Token{1}, Interest::read, mode.trigger);
    reactor->add(armed.ours.get(), Token{2}, Interest::read, mode.trigger);
    put(silent.theirs, "x");
    CHECK_EQ(look(*reactor), "1:readable");
    silent.ours.reset();
    CHECK_EQ(look(*reactor), "");
    armed.ours.reset(); // a bad one that is armed makes select look for bad ones
    // epoll forgot it; a request of io_uring keeps the file.
    CHECK_EQ(look(*reactor),
             on_epoll(mode) || on_io_uring(mode) ? "" : "2:readable|writable|error");
    CHECK_EQ(look(*reactor), "");
}

// epoll's modify is refused; select and poll, whose modify costs no system call, tell at the next
// wait.
CONTRACT_CASE("P3 modify of what was closed is an error, at once or at the next wait", everywhere) {
    Ends ends = unix_pair();
    const int closed = ends.ours.get();
    const auto reactor = mode.reactor();
    reactor->add(closed, Token{1}, Interest::read, mode.trigger);
    ends.ours.reset();
    CHECK_EQ(error_of([&] { reactor->modify(closed, Token{2}, Interest::read, mode.trigger); }),
             on_epoll(mode) ? EBADF : 0);
    CHECK_EQ(look(*reactor), on_epoll(mode) ? "" : "2:readable|writable|error");
}

// A fact of the kernel: the registration belongs to the open file, which a duplicate keeps alive.
// It speaks for a number that is closed, and nobody can silence it.
CONTRACT_CASE("bug-A3, bug-A4 epoll: a duplicate keeps a closed registration alive", on_epoll) {
    Ends ends = unix_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    const int closed = ends.ours.get();
    Fd duplicate{check(::dup(closed), "dup")};
    ends.ours.reset();
    put(ends.theirs, "x");
    CHECK_EQ(look(*reactor), "1:readable");
    CHECK_EQ(look(*reactor), mode.is(Trigger::level) ? "1:readable" : "");
    CHECK_FALSE(reactor->remove(closed));
    CHECK_EQ(error_of([&] { reactor->modify(closed, Token{2}, Interest::read, mode.trigger); }),
             EBADF);
    // The number's next owner is registered beside it; the token alone tells the two apart.
    const Ends next = unix_pair();
    REQUIRE_EQ(next.ours.get(), closed);
    reactor->add(next.ours.get(), Token{3}, Interest::read, mode.trigger);
    put(ends.theirs, "y");
    CHECK_EQ(look(*reactor), mode.is(Trigger::one_shot) ? "" : "1:readable");
    put(next.theirs, "z");
    CHECK_EQ(look(*reactor), mode.is(Trigger::level) ? "1:readable 3:readable" : "3:readable");
    duplicate.reset();
    CHECK_EQ(look(*reactor), mode.is(Trigger::level) ? "3:readable" : "");
}

CONTRACT_CASE("bug-A3 removed before it is closed, a duplicate does not speak", everywhere) {
    Ends ends = unix_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    const Fd duplicate{check(::dup(ends.ours.get()), "dup")};
    CHECK(reactor->remove(ends.ours.get()));
    ends.ours.reset();
    put(ends.theirs, "x");
    CHECK_EQ(look(*reactor), "");
}

CONTRACT_CASE("bug-A5 closed and brought back by dup2: the number is still watched, EEXIST",
              everywhere) {
    const Ends ends = unix_pair();
    const auto reactor = mode.reactor();
    const int second = check(::dup(ends.ours.get()), "dup");
    reactor->add(second, Token{1}, Interest::read, mode.trigger);
    check(::close(second), "close");
    const Fd back{check(::dup2(ends.ours.get(), second), "dup2")};
    CHECK_EQ(error_of([&] { reactor->add(second, Token{2}, Interest::read, mode.trigger); }),
             EEXIST);
    put(ends.theirs, "x");
    CHECK_EQ(look(*reactor), "1:readable");
    CHECK(reactor->remove(second));
    CHECK_EQ(look(*reactor), "");
}

// A fact of the kernel: a forked child shares epoll's interest list, and nothing of the others.
CONTRACT_CASE("bug-A7 epoll: a child's remove is felt by its parent", everywhere) {
    const Ends ends = unix_pair();
    put(ends.theirs, "x");
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    const pid_t child = check(::fork(), "fork");
    if (child == 0) ::_exit(reactor->remove(ends.ours.get()) ? 0 : 1);
    int status = -1;
    check(::waitpid(child, &status, 0), "waitpid");
    CHECK_EQ(status, 0);
    CHECK_EQ(look(*reactor), on_epoll(mode) ? "" : "1:readable");
}

CONTRACT_CASE("bug-A9 what is removed has left the kernel's set when remove returns", everywhere) {
    Ends old = unix_pair();
    const auto reactor = mode.reactor();
    const int number = old.ours.get();
    reactor->add(number, Token{1}, Interest::read, mode.trigger);
    const CallRecord record;
    CHECK(reactor->remove(number));
    CHECK_EQ(record.made(), on_epoll(mode) ? "epoll_ctl*1" : "");
    old.ours.reset();
    const Ends next = unix_pair();
    REQUIRE_EQ(next.ours.get(), number);
    reactor->add(number, Token{2}, Interest::read, mode.trigger);
    CHECK_EQ(look(*reactor), "");
    put(next.theirs, "x"); // a removal that came late would have taken this one's place
    CHECK_EQ(look(*reactor), "2:readable");
}

CONTRACT_CASE("bug-A11 closed by another just before the kernel is asked: the others are served",
              everywhere) {
    Ends going = unix_pair();
    const Ends staying = unix_pair();
    const auto reactor = mode.reactor();
    reactor->add(going.ours.get(), Token{1}, Interest::read, mode.trigger);
    reactor->add(staying.ours.get(), Token{2}, Interest::read, mode.trigger);
    put(staying.theirs, "x");
    const CallHook hook{[&](const CallPoint& call) {
        if (is_wait(call.name)) going.ours.reset();
        return CallOutcome{};
    }};
    const std::string first = look(*reactor);
    switch (mode.backend) {
    case Backend::select:
        CHECK_EQ(first, "1:readable|writable|error");
        CHECK_EQ(look(*reactor), "2:readable");
        break;
    case Backend::poll:
    case Backend::io_uring:
        CHECK_EQ(first, "1:readable|writable|error 2:readable");
        break;
    case Backend::epoll:
    case Backend::adaptive:
        CHECK_EQ(first, "2:readable");
        break;
    }
    CHECK_EQ(look(*reactor), mode.is(Trigger::level) ? "2:readable" : "");
}
