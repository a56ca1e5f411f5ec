// Hooks and injections begin and end while other threads make calls.

#include <doctest/doctest.h>

#include <atomic>
#include <pollux/instruments/call_hook.hpp>
#include <pollux/instruments/fault_injection.hpp>
#include <pollux/net/socket.hpp>
#include <sys/socket.h>
#include <system_error>
#include <thread>

using namespace pollux;

namespace {

// A thread that makes calls, of which some fail, for as long as it lives.
class Caller {
public:
    ~Caller() {
        over_ = true;
        thread_.join();
    }
    void wait_for_more() const {
        const int before = tried_;
        while (tried_ < before + 2) std::this_thread::yield();
    }

private:
    void call() {
        while (!over_) {
            try {
                Socket::open(AF_UNIX).close();
            } catch (const std::system_error&) {
                ++refused_;
            }
            ++tried_;
        }
    }

    std::atomic<bool> over_{false};
    std::atomic<int> tried_{0};
    std::atomic<int> refused_{0};
    std::thread thread_{[this] { call(); }};
};

} // namespace

TEST_CASE("fault injection: it may begin and end while other threads make calls") {
    const Caller caller;
    for (int time = 0; time < 2000; ++time) {
        const FaultInjection faults{FaultPlan::parse("socket@2+2=EMFILE")};
        if (time % 100 == 0) caller.wait_for_more();
    }
}

TEST_CASE("call hook: it may begin and end while other threads make calls") {
    const Caller caller;
    for (int time = 0; time < 2000; ++time) {
        std::atomic<int> asked{0};
        const CallHook hook{[&](const CallPoint&) {
            ++asked;
            return CallOutcome{};
        }};
        if (time % 100 == 0) caller.wait_for_more();
    }
}
