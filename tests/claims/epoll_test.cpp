// What is said of select, poll and epoll: docs/what_tutorials_say.md.

#include "support/descriptor_ledger.hpp"
#include "support/sockets.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <pollux/error.hpp>
#include <span>
#include <string_view>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

using namespace pollux;
using namespace pollux_test;

namespace {

Fd epoll_set() { return Fd{check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")}; }

// 0, or the errno value of a refusal.
int add(const Fd& set, const Fd& fd, std::uint32_t events) {
    epoll_event event{.events = events, .data = {.fd = fd.get()}};
    return ::epoll_ctl(set.get(), EPOLL_CTL_ADD, fd.get(), &event) < 0 ? errno : 0;
}

std::vector<epoll_event> reported(const Fd& set) {
    std::vector<epoll_event> events(16);
    const int count = check(
        ::epoll_wait(set.get(), events.data(), static_cast<int>(events.size()), 0), "epoll_wait");
    events.resize(static_cast<std::size_t>(count));
    return events;
}

// The areas of memory this process has, as the kernel tells it. Takes no memory for it.
std::string_view memory_map(std::span<char> into) {
    const Fd file{check(::open("/proc/self/maps", O_RDONLY | O_CLOEXEC), "open")};
    std::size_t size = 0;
    for (;;) {
        const ssize_t count = ::read(file.get(), into.data() + size, into.size() - size);
        if (count <= 0) break;
        size += static_cast<std::size_t>(count);
    }
    return {into.data(), size};
}

} // namespace

TEST_CASE("'epoll shares memory with the kernel by mmap': events are copied to your array") {
    const DescriptorLedger ledger;
    static std::array<char, 1 << 20> before;
    static std::array<char, 1 << 20> after;
    const Ends ends = unix_pair();
    put(ends.theirs, "x");
    std::array<epoll_event, 2> events{};
    memory_map(before); // the program has seen all its pages
    memory_map(after);

    const std::string_view at_first = memory_map(before);
    const Fd set{::epoll_create1(EPOLL_CLOEXEC)};
    epoll_event wanted{.events = EPOLLIN, .data = {.u64 = 42}};
    const int added = ::epoll_ctl(set.get(), EPOLL_CTL_ADD, ends.ours.get(), &wanted);
    const int count = ::epoll_wait(set.get(), events.data(), 2, 0);
    const std::string_view at_last = memory_map(after);

    CHECK(at_first == at_last); // no area of memory was added
    CHECK_EQ(added, 0);
    CHECK_EQ(count, 1);
    CHECK_EQ(events[0].data.u64, 42); // written by epoll_wait …
    CHECK_EQ(events[1].data.u64, 0);

    void* const mine = ::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_EQ(::epoll_wait(set.get(), static_cast<epoll_event*>(mine), 1, 0), -1);
    CHECK_EQ(errno, EFAULT); // … which fails where you may not write
    ::munmap(mine, 4096);
    CHECK_EQ(::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, set.get(), 0), MAP_FAILED);
    CHECK_EQ(errno, ENODEV); // a set cannot be mapped at all
}

TEST_CASE("'select takes 1024 connections': glibc's fd_set takes numbers below 1024") {
    const DescriptorLedger ledger;
    const Ends ends = unix_pair();
    const Fd high{check(::fcntl(ends.ours.get(), F_DUPFD_CLOEXEC, 1500), "fcntl")};
    CHECK_GE(high.get(), FD_SETSIZE); // a handful are open, and this one does not fit
    put(ends.theirs, "x");
    CHECK_EQ(state(high, POLLIN), POLLIN); // poll takes any number

    // So does the kernel's select: the bits may go on behind an fd_set.
    constexpr std::size_t word = sizeof(long) * CHAR_BIT;
    std::array<long, 4096 / word> bits{};
    const auto number = static_cast<std::size_t>(high.get());
    bits.at(number / word) |= long{1} << (number % word);
    timeval at_once{};
    auto* const set = reinterpret_cast<fd_set*>(bits.data());
    CHECK_EQ(::select(high.get() + 1, set, nullptr, nullptr, &at_once), 1);
}

TEST_CASE("'closing a descriptor removes it from epoll': closing its last duplicate does") {
    const DescriptorLedger ledger;
    const Fd set = epoll_set();
    Ends ends = unix_pair();
    Fd copy{::fcntl(ends.ours.get(), F_DUPFD_CLOEXEC, 0)}; // dup(2), or fork(2)
    REQUIRE_EQ(add(set, ends.ours, EPOLLIN), 0);
    const int number = ends.ours.get();
    put(ends.theirs, "x");
    ends.ours.reset();
    REQUIRE_EQ(reported(set).size(), 1); // an event of a closed descriptor …
    CHECK_EQ(reported(set)[0].data.fd, number);
    CHECK_EQ(::epoll_ctl(set.get(), EPOLL_CTL_DEL, number, nullptr), -1);
    CHECK_EQ(errno, EBADF); // … that cannot be removed any more
    copy.reset();
    CHECK(reported(set).empty());
}

TEST_CASE("'everything is a file so epoll waits for files': EPERM") {
    const DescriptorLedger ledger;
    const Fd set = epoll_set();
    const Fd file{::memfd_create("regular file", MFD_CLOEXEC)};
    CHECK_EQ(add(set, file, EPOLLIN), EPERM);
    CHECK_EQ(state(file, POLLIN), POLLIN); // poll: always ready, which is no news either
}

TEST_CASE("'what is not asked for is not reported': EPOLLHUP and EPOLLERR are") {
    const DescriptorLedger ledger;
    const Fd set = epoll_set();
    Ends ends = unix_pair();
    REQUIRE_EQ(add(set, ends.ours, 0), 0);
    CHECK(reported(set).empty());
    ends.theirs.reset();
    for (int wait = 0; wait < 3; ++wait) { // at every wait
        REQUIRE_EQ(reported(set).size(), 1);
        CHECK_EQ(reported(set)[0].events, EPOLLHUP);
    }
}

TEST_CASE("'edge-triggered gives one event for each message': for each wait since the last") {
    const DescriptorLedger ledger;
    const Fd set = epoll_set();
    const Ends ends = unix_pair();
    REQUIRE_EQ(add(set, ends.ours, EPOLLIN | EPOLLET), 0);
    put(ends.theirs, "one");
    put(ends.theirs, "two");
    CHECK_EQ(reported(set).size(), 1); // two messages, one event
    CHECK_EQ(reported(set).size(), 0); // unread, and not mentioned again …
    put(ends.theirs, "three");
    CHECK_EQ(reported(set).size(), 1); // … until something new comes
    CHECK_EQ(take(ends.ours), "onetwothree");
}

TEST_CASE("'after a short read nothing is left': but the end may be") {
    const DescriptorLedger ledger;
    const Fd set = epoll_set();
    const Ends ends = tcp_pair();
    REQUIRE_EQ(add(set, ends.ours, EPOLLIN | EPOLLRDHUP | EPOLLET), 0);
    put(ends.theirs, "last words");
    ::shutdown(ends.theirs.get(), SHUT_WR);
    await_told(ends.ours, POLLRDHUP); // the end has arrived as well
    const std::vector<epoll_event> events = reported(set);
    REQUIRE_EQ(events.size(), 1);
    CHECK_EQ(events[0].events, EPOLLIN | EPOLLRDHUP); // both in one event
    CHECK_EQ(take(ends.ours, 4096), "last words");    // a short read
    CHECK(reported(set).empty());                     // and never again
    char byte = 0;
    CHECK_EQ(::read(ends.ours.get(), &byte, 1), 0); // the end, for those who read on
}
