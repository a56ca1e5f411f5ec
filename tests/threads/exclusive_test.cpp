// E12, E13: a listener that several loops share, each in a thread of its own.

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <fstream>
#include <poll.h>
#include <pollux/event_loop.hpp>
#include <pollux/net/socket.hpp>
#include <pollux/stream/listener.hpp>
#include <string>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

#include "support/calls.hpp"
#include "support/sockets.hpp"
#include "support/streams.hpp"

using namespace pollux;
using namespace pollux_test;

namespace {

// Whether the thread sleeps in the kernel: the only place where those here do is epoll_wait.
bool sleeps(pid_t thread) {
    std::ifstream file{"/proc/self/task/" + std::to_string(thread) + "/stat"};
    std::string text;
    std::getline(file, text);
    return text.find(") S ") != std::string::npos;
}

struct Worker {
    EventLoop loop{Backend::epoll};
    std::atomic<pid_t> thread{0};
    std::atomic<int> woken{0};
    std::atomic<int> useless{0};
    std::atomic<int> accepted{0};

    void serve(Socket& listening, Trigger trigger) {
        const Watch watch = loop.watch(listening.fd(), Interest::read, trigger, [&](Readiness) {
            ++woken;
            if (listening.accept().error == 0)
                ++accepted;
            else
                ++useless;
        });
        thread = static_cast<pid_t>(::syscall(SYS_gettid));
        loop.run();
    }
};

struct Sums {
    int woken = 0;
    int useless = 0;
};

// Each client comes when all workers sleep.
Sums serve_clients(Trigger trigger, int clients) {
    Socket listening = Socket::listen(Address::ipv4_loopback(0));
    const int port = listening.local().port();
    std::array<Worker, 8> workers;
    std::vector<std::jthread> threads;
    for (Worker& worker : workers) threads.emplace_back([&] { worker.serve(listening, trigger); });

    const auto all_sleep = [&] {
        for (const Worker& worker : workers)
            if (worker.thread == 0 || !sleeps(worker.thread)) return false;
        return true;
    };
    for (int client = 0; client < clients; ++client) {
        while (!all_sleep()) std::this_thread::yield();
        const Fd connected = tcp_client(port);
        await(connected, POLLIN); // the end: it was accepted, and closed
    }
    while (!all_sleep()) std::this_thread::yield();

    for (Worker& worker : workers) worker.loop.stop();
    threads.clear();
    Sums sums;
    int accepted = 0;
    for (const Worker& worker : workers) {
        sums.woken += worker.woken;
        sums.useless += worker.useless;
        accepted += worker.accepted;
    }
    CHECK_EQ(accepted, clients);
    return sums;
}

} // namespace

TEST_CASE("E13 an exclusive watch: each client wakes one of eight loops, and none in vain") {
    const Sums sums = serve_clients(Trigger::exclusive, 10);
    CHECK_EQ(sums.woken, 10);
    CHECK_EQ(sums.useless, 0);
}

TEST_CASE("E13 a listener that several loops share takes one client in a visit, none in vain") {
    EventLoop loop{Backend::epoll};
    int accepted = 0;
    const Listener listener{loop,
                            Socket::listen(Address::ipv4_loopback(0)),
                            [&](Socket) { ++accepted; },
                            {.trigger = Trigger::exclusive}};
    const std::size_t before = would_block("accept4");
    std::vector<Fd> clients;
    while (clients.size() < 5) clients.push_back(tcp_client(listener.address().port()));
    for (int turn = 1; turn <= 5; ++turn) {
        run_until(loop, [&] { return accepted >= turn; });
        CHECK_EQ(accepted, turn); // what is left may be for another loop
    }
    settle(loop);
    CHECK_EQ(would_block("accept4"), before);
}

TEST_CASE("E12 an exclusive watch may be paused, resumed and asked for something else") {
    EventLoop loop{Backend::epoll};
    const Socket listening = Socket::listen(Address::ipv4_loopback(0));
    int called = 0;
    Watch watch = loop.watch(listening.fd(), Interest::read, Trigger::exclusive, [&](Readiness) {
        ++called;
        watch.pause();
    });
    const Fd first = tcp_client(listening.local().port());
    await(Fd{::dup(listening.fd())}, POLLIN);
    loop.run_once(Timeout::zero());
    loop.run_once(Timeout::zero());
    CHECK_EQ(called, 1);
    watch.resume();
    loop.run_once(Timeout::zero());
    CHECK_EQ(called, 2);
    watch.set_interest(Interest::write); // which a listener never is
    loop.run_once(Timeout::zero());
    CHECK_EQ(called, 2);
    watch.set_interest(Interest::read);
    loop.run_once(Timeout::zero());
    CHECK_EQ(called, 3);
}

TEST_CASE("E12 a refused change leaves an exclusive watch as it was") {
    EventLoop loop{Backend::epoll};
    const Socket listening = Socket::listen(Address::ipv4_loopback(0));
    int called = 0;
    Watch watch = loop.watch(listening.fd(), Interest::read, Trigger::exclusive,
                             [&](Readiness) { ++called; });
    CHECK_THROWS_AS(watch.set_interest(Interest::urgent), std::system_error); // not with EXCLUSIVE
    const Fd client = tcp_client(listening.local().port());
    await(Fd{::dup(listening.fd())}, POLLIN);
    loop.run_once(Timeout::zero());
    CHECK_EQ(called, 1);
}

TEST_CASE("E12 what the kernel cannot wait for is ready in every turn, as at level trigger") {
    EventLoop loop{Backend::epoll};
    const Fd file{::memfd_create("regular file", MFD_CLOEXEC)};
    int called = 0;
    const Watch watch =
        loop.watch(file.get(), Interest::read, Trigger::exclusive, [&](Readiness) { ++called; });
    for (int turn = 0; turn < 3; ++turn) loop.run_once(Timeout::zero());
    CHECK_EQ(called, 3);
}

TEST_CASE("E12 a reactor does not modify an exclusive registration") {
    const auto reactor = make_reactor(Backend::epoll);
    const Ends ends = unix_pair();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, Trigger::exclusive);
    for (const Trigger trigger : {Trigger::level, Trigger::exclusive}) {
        try {
            reactor->modify(ends.ours.get(), Token{2}, Interest::read, trigger);
            FAIL("modified");
        } catch (const std::system_error& error) {
            CHECK_EQ(error.code().value(), EINVAL);
        }
    }
    put(ends.theirs, "x");
    const auto events = reactor->wait(forever);
    REQUIRE_EQ(events.size(), 1);
    CHECK(events[0].token == Token{1});
    CHECK(reactor->remove(ends.ours.get()));
}

TEST_CASE("E16 select and poll refuse to share a wake-up with others") {
    for (const Backend backend : {Backend::select, Backend::poll}) {
        const auto reactor = make_reactor(backend);
        const Ends ends = unix_pair();
        CHECK_FALSE(reactor->supports(Trigger::exclusive));
        try {
            reactor->add(ends.ours.get(), Token{1}, Interest::read, Trigger::exclusive);
            FAIL("taken");
        } catch (const std::system_error& error) {
            CHECK_EQ(error.code().value(), ENOTSUP);
            CHECK_NE(std::string_view{error.what()}.find("exclusive"), std::string_view::npos);
        }
    }
    CHECK(make_reactor(Backend::epoll)->supports(Trigger::exclusive));
}
