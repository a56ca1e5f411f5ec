// The observer of a loop: told everything that happens, with its duration, and nothing else.

#include "support/contract.hpp"
#include "support/sockets.hpp"
#include "support/wake_up_budget.hpp"

#include <array>
#include <functional>
#include <pollux/event_loop.hpp>
#include <string>
#include <vector>

using namespace pollux;
using namespace pollux_test;
using namespace std::chrono_literals;

namespace {

struct Notebook final : LoopObserver {
    struct Line {
        char kind;
        std::int64_t what; // of a wait the number of events, of a dispatch the descriptor
        Clock::duration took;
        Clock::duration other{}; // of a wait what was asked, of a timer how late it was
    };
    std::vector<Line> lines;

    void on_wait(Timeout asked, std::size_t events, Clock::duration took) override {
        lines.push_back({'w', static_cast<std::int64_t>(events), took, asked});
    }
    void on_dispatch(int fd, Readiness ready, Clock::duration took) override {
        CHECK_EQ(ready, Readiness::readable);
        lines.push_back({'d', fd, took});
    }
    void on_timer(Clock::duration late, Clock::duration took) override {
        lines.push_back({'t', 0, took, late});
    }
    void on_task(Clock::duration took) override { lines.push_back({'p', 0, took}); }

    std::string kinds() const {
        std::string all;
        for (const Line& line : lines) all += line.kind;
        return all;
    }
};

} // namespace

CONTRACT_CASE("an observer sees wait, dispatch, timer and task, with their durations", everywhere) {
    FakeClock clock;
    EventLoop loop{mode.backend};
    Notebook notebook;
    loop.observe(&notebook);
    const Ends ends = unix_pair();
    const Watch watch = loop.watch(ends.ours.get(), Interest::read, mode.trigger, [&](Readiness) {
        take(ends.ours);
        clock.advance(1ms);
    });
    put(ends.theirs, "x");
    const Timer timer = loop.run_after(0ns, [&] { clock.advance(2ms); });
    loop.post([&] { clock.advance(3ms); });
    loop.run_once(5s);
    REQUIRE_EQ(notebook.kinds(), "wdtp");
    CHECK_GE(notebook.lines[0].what, 1);
    CHECK_EQ(notebook.lines[0].took, 0ns);
    CHECK_EQ(notebook.lines[0].other, 0ns); // there was work
    CHECK_EQ(notebook.lines[1].what, ends.ours.get());
    CHECK_EQ(notebook.lines[1].took, 1ms);
    CHECK_EQ(notebook.lines[2].took, 2ms);
    CHECK_EQ(notebook.lines[2].other, 1ms);
    CHECK_EQ(notebook.lines[3].took, 3ms);
    turns(loop, 1); // the rest of the wake-up
    notebook.lines.clear();
    loop.run_once(5s);
    REQUIRE_EQ(notebook.kinds(), "w");
    CHECK_EQ(notebook.lines[0].what, 0);
    CHECK_EQ(notebook.lines[0].took, 5s);
    CHECK_EQ(notebook.lines[0].other, 5s);
    loop.observe(nullptr);
    loop.post([] {});
    turns(loop, 1);
    CHECK_EQ(notebook.lines.size(), 1);
}

CONTRACT_CASE("the loop's own wake-up is no dispatch", on_level) {
    EventLoop loop{mode.backend};
    Notebook notebook;
    loop.observe(&notebook);
    loop.wake();
    loop.run_once();
    CHECK_EQ(notebook.kinds(), "w");
    CHECK_EQ(notebook.lines[0].what, 1);
}

CONTRACT_CASE("an observer is put on and taken off in any callback", everywhere) {
    FakeClock clock;
    EventLoop loop{mode.backend};
    const Ends ends = unix_pair();
    std::function<void()> change;
    Watch watch = loop.watch(ends.ours.get(), Interest::read, mode.trigger, [&](Readiness) {
        take(ends.ours);
        change();
        watch.rearm();
    });
    const Timer timer = loop.run_every(1ns, [&] { change(); });
    for (int place = 0; place < 3; ++place)
        for (const bool puts_on : {false, true}) {
            CAPTURE(place);
            CAPTURE(puts_on);
            Notebook notebook;
            loop.observe(puts_on ? nullptr : &notebook);
            int calls = 0;
            change = [&] {
                if (calls++ == place) loop.observe(puts_on ? &notebook : nullptr);
            };
            put(ends.theirs, "x");
            loop.post([&] { change(); });
            clock.advance(1ns);
            loop.run_once();
            REQUIRE_EQ(calls, 3);
            // What it saw the beginning and the end of, and nothing else.
            CHECK_EQ(notebook.kinds(),
                     puts_on ? std::string{"dtp"}.substr(static_cast<std::size_t>(place) + 1)
                             : std::string{"wdtp"}.substr(0, static_cast<std::size_t>(place) + 1));
            for (const Notebook::Line& line : notebook.lines) CHECK_LE(line.took, 1s);
            loop.observe(nullptr);
            turns(loop, 3); // the rest of the wake-up, and of edges
        }
}

CONTRACT_CASE("an observer put on amid a batch sees the rest of it, and one taken off nothing",
              everywhere) {
    for (const bool puts_on : {false, true}) {
        EventLoop loop{mode.backend};
        Notebook notebook;
        loop.observe(puts_on ? nullptr : &notebook);
        const std::array<Ends, 3> pairs{unix_pair(), unix_pair(), unix_pair()};
        std::array<Watch, 3> watches;
        int calls = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            put(pairs[i].theirs, "x");
            watches[i] =
                loop.watch(pairs[i].ours.get(), Interest::read, mode.trigger, [&, i](Readiness) {
                    take(pairs[i].ours);
                    if (++calls == 2) loop.observe(puts_on ? &notebook : nullptr);
                });
        }
        CHECK_EQ(loop.run_once(), 3);
        CHECK_EQ(notebook.kinds(), puts_on ? "d" : "wd");
    }
}

CONTRACT_CASE("no clock is read in a turn that has no timer, and two times in one that has",
              everywhere) {
    EventLoop loop{mode.backend};
    const Ends ends = unix_pair();
    Watch watch = loop.watch(ends.ours.get(), Interest::read, mode.trigger, [&](Readiness) {
        take(ends.ours);
        watch.rearm();
    });
    const auto reads_in_a_turn = [&] {
        put(ends.theirs, "x");
        const auto before = calls_made("clock_gettime");
        loop.run_once();
        return calls_made("clock_gettime") - before;
    };
    CHECK_EQ(reads_in_a_turn(), 0);
    Timer timer = loop.run_after(1h, [] {});
    // A wait on io_uring may be woken for nothing, and goes on for the rest of its time.
    CHECK_LE(reads_in_a_turn(), mode.is(Backend::io_uring) ? 3 : 2);
    timer.cancel();
    CHECK_EQ(reads_in_a_turn(), 0);
    Notebook notebook;
    loop.observe(&notebook);
    CHECK_GT(reads_in_a_turn(), 0);
    loop.observe(nullptr);
    CHECK_EQ(reads_in_a_turn(), 0);
}

CONTRACT_CASE("now is read once a turn, and anew outside of one", on_level) {
    FakeClock clock;
    EventLoop loop{mode.backend};
    std::vector<Clock::time_point> seen;
    const auto look = [&] {
        seen.push_back(loop.now());
        clock.advance(1s);
        seen.push_back(loop.now());
    };
    loop.post(look);
    turns(loop, 1);
    CHECK_EQ(seen[0], seen[1]);
    look();
    CHECK_EQ(seen[2], seen[0] + 1s);
    CHECK_EQ(seen[3], seen[2] + 1s);
    loop.post(look);
    turns(loop, 1);
    CHECK_EQ(seen[4], seen[3]);
}
