// R14 and P14 of the catalogue: what the kernel cannot wait for is always ready, on every backend
// and trigger alike, and the loop does not sleep meanwhile.

#include "support/contract.hpp"
#include "support/sockets.hpp"
#include "support/wake_up_budget.hpp"

#include <array>
#include <fcntl.h>
#include <pollux/event_loop.hpp>
#include <stdexcept>
#include <sys/mman.h>
#include <vector>

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

namespace {

std::vector<Fd> not_waitable() {
    std::vector<Fd> files;
    files.emplace_back(::memfd_create("regular file", MFD_CLOEXEC));
    files.emplace_back(::open("/dev/null", O_RDWR | O_CLOEXEC));
    files.emplace_back(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (const Fd& file : files) REQUIRE(file);
    return files;
}

// How often a watch of that file is called in so many turns.
int expected(const Mode& mode, int turns) { return mode.is(Trigger::level) ? turns : 1; }

} // namespace

CONTRACT_CASE("R14 P14 level: ready in every turn; edge: once; one-shot: once per arming",
              everywhere) {
    EventLoop loop{mode.backend};
    for (const std::vector<Fd> files = not_waitable(); const Fd& file : files) {
        int calls = 0;
        Watch watch = loop.watch(file.get(), Interest::read_write, mode.trigger, [&](Readiness r) {
            CHECK_EQ(r, (Readiness::readable | Readiness::writable));
            ++calls;
        });
        turns(loop, 4);
        CHECK_EQ(calls, expected(mode, 4));
        calls = 0;
        watch.rearm();
        turns(loop, 4);
        CHECK_EQ(calls, expected(mode, 4));
    }
}

CONTRACT_CASE("R14 only what is asked for is told", everywhere) {
    EventLoop loop{mode.backend};
    for (const std::vector<Fd> files = not_waitable(); const Fd& file : files) {
        std::vector<Readiness> told;
        Watch watch = loop.watch(file.get(), Interest::read, mode.trigger,
                                 [&](Readiness ready) { told.push_back(ready); });
        turns(loop, 1);
        watch.set_interest(Interest::write);
        turns(loop, 1);
        REQUIRE_EQ(told.size(), 2);
        CHECK_EQ(told[0], Readiness::readable);
        CHECK_EQ(told[1], Readiness::writable);
    }
}

CONTRACT_CASE("R14 a file is never urgent: who asks for that alone sleeps", everywhere) {
    const FakeClock clock;
    EventLoop loop{mode.backend};
    for (const std::vector<Fd> files = not_waitable(); const Fd& file : files) {
        int calls = 0;
        const Watch watch =
            loop.watch(file.get(), Interest::urgent, mode.trigger, [&](Readiness) { ++calls; });
        // One may be the rest of the stop before. io_uring asks twice more until it knows that this
        // file wakes nobody.
        const WakeUpBudget budget{loop, mode.is(Backend::io_uring) ? 4 : 2};
        run_for(loop, 1h);
        CHECK_EQ(calls, 0);
    }
}

CONTRACT_CASE("R14 pausing silences it, resuming brings it back", everywhere) {
    const FakeClock clock;
    EventLoop loop{mode.backend};
    for (const std::vector<Fd> files = not_waitable(); const Fd& file : files) {
        int calls = 0;
        Watch watch = loop.watch(file.get(), Interest::read, mode.trigger, [&](Readiness) {
            ++calls;
            watch.pause();
        });
        watch.pause();
        {
            const WakeUpBudget budget{loop,
                                      2}; // one that looks for what was queued, one that sleeps
            run_for(loop, 1h);
        }
        CHECK_EQ(calls, 0);
        watch.resume();
        {
            const WakeUpBudget budget{loop, 3};
            run_for(loop, 1h);
        }
        CHECK_EQ(calls, 1);
        watch.resume();
        turns(loop, 2);
        CHECK_EQ(calls, 2);
    }
}

CONTRACT_CASE("R14 again brings one more call", everywhere) {
    EventLoop loop{mode.backend};
    for (const std::vector<Fd> files = not_waitable(); const Fd& file : files) {
        int calls = 0;
        Watch watch =
            loop.watch(file.get(), Interest::read, mode.trigger, [&](Readiness) { ++calls; });
        turns(loop, 1);
        watch.again();
        turns(loop, 3);
        CHECK_EQ(calls, mode.is(Trigger::level) ? 4 : 2);
    }
}

CONTRACT_CASE("P14 while a file is ready the loop does not sleep, and serves the others",
              on_level) {
    EventLoop loop{mode.backend};
    const Fd file{::memfd_create("regular file", MFD_CLOEXEC)};
    const Ends ends = unix_pair();
    int calls = 0;
    const Watch busy =
        loop.watch(file.get(), Interest::read, Trigger::level, [&](Readiness) { ++calls; });
    bool served = false;
    const Watch other = loop.watch(ends.ours.get(), Interest::read, Trigger::level,
                                   [&](Readiness) { served = true; });
    for (int turn = 1; turn <= 3; ++turn) {
        loop.run_once(); // would sleep for ever
        CHECK_EQ(calls, turn);
    }
    put(ends.theirs, "x");
    loop.run_once();
    CHECK(served);
}

CONTRACT_CASE("P14 P15 a file whose callback throws is ready in the next turn again", everywhere) {
    EventLoop loop{mode.backend};
    for (const std::vector<Fd> files = not_waitable(); const Fd& file : files) {
        int calls = 0;
        const Watch watch = loop.watch(file.get(), Interest::read, mode.trigger, [&](Readiness) {
            if (++calls == 1) throw std::runtime_error{"first"};
        });
        CHECK_THROWS_WITH(loop.run_once(Timeout::zero()), "first");
        turns(loop, 3);
        CHECK_EQ(calls, expected(mode, 4));
    }
}

CONTRACT_CASE("R14 it is watched once, like everything else", everywhere) {
    EventLoop loop{mode.backend};
    for (const std::vector<Fd> files = not_waitable(); const Fd& file : files) {
        Watch watch = loop.watch(file.get(), Interest::read, mode.trigger, [](Readiness) {});
        for (const bool paused : {false, true}) {
            if (paused) watch.pause();
            try {
                const Watch second =
                    loop.watch(file.get(), Interest::read, mode.trigger, [](Readiness) {});
                FAIL_CHECK("watched twice");
            } catch (const std::system_error& error) {
                CHECK_EQ(error.code().value(), EEXIST);
            }
        }
        watch.stop();
        CHECK(loop.watch(file.get(), Interest::read, mode.trigger, [](Readiness) {}));
    }
}

CONTRACT_CASE("R14 a callback gives up the file's watch", everywhere) {
    EventLoop loop{mode.backend};
    for (std::vector<Fd> files = not_waitable(); Fd & file : files) {
        int calls = 0;
        Watch watch = loop.watch(file.get(), Interest::read, mode.trigger, [&](Readiness) {
            ++calls;
            watch.stop();
            file.reset();
        });
        turns(loop, 3);
        CHECK_EQ(calls, 1);
    }
    CHECK_EQ(loop.time_to_wait(), forever);
}
