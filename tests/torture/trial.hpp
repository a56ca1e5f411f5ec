#pragma once

#include "support/contract.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <exception>
#include <mutex>
#include <optional>
#include <pollux/event_loop.hpp>
#include <pollux/instruments/call_hook.hpp>
#include <pollux/instruments/fault_injection.hpp>
#include <string_view>
#include <utility>

namespace pollux_test {

/// One run of a scenario. Calls and allocations count and fail only within `act` and `turn`; what a
/// test does between these, it does without being disturbed.
class Trial {
public:
    /// How many turns may find something ready: all together, and one after the other without a
    /// wait.
    struct Budget {
        int turns = 1000;
        int in_a_row = turns;
    };
    Trial(const Mode& in, bool fakes_clock, const Budget& budget);
    Trial(const Trial&) = delete;
    Trial& operator=(const Trial&) = delete;
    ~Trial() = default;

    const Mode mode;

    /// Does a part of the library's work, with faults. An exception is a reported error, and the
    /// answer is false then.
    template <class Part> bool act(Part part) noexcept {
        bool done = false;
        if (!resting_) pause_.reset();
        try {
            part();
            done = true;
        } catch (const std::exception& error) {
            report(error.what());
        }
        if (!pause_) pause_.emplace();
        return done;
    }

    /// Takes turns until `done` says so, which is asked between turns, undisturbed. False, and the
    /// trial fails: nothing more happens, or too much.
    template <class Done> bool until(pollux::EventLoop& loop, Done done) {
        while (!done())
            if (!turn(loop)) return false;
        return true;
    }

    /// For a loop that is run by others: a turn is over, which found something or was idle. False,
    /// and the trial fails: nothing more happens, or too much.
    bool took_turn(bool idle);

    /// Says that the library told of an error: by a callback, a result, a counter. From anywhere.
    void report(std::string_view what) noexcept;
    int reports() const noexcept { return reports_; }

    /// From now on nothing fails, in no thread, until `go_on`: for the next client, who must be
    /// served.
    void rest() { resting_.emplace(); }
    void go_on() noexcept { resting_.reset(); }

    /// Whether the job was done. Said once, when all is over that a fault could have hit.
    void right(bool was) noexcept { right_ = was; }
    /// What must hold whatever has failed.
    void expect(bool held, std::string_view what) noexcept;

    /// What was wrong, null when nothing was: `faults` were injected.
    const char* verdict(std::size_t faults) noexcept;
    int turns() const noexcept { return turns_; }
    bool was_right() const noexcept { return right_; }

private:
    bool turn(pollux::EventLoop& loop);
    void fail(std::string_view what, std::string_view detail = "") noexcept;

    std::optional<pollux::FakeClock> clock_;
    std::optional<pollux::FaultInjection::Pause> pause_{std::in_place};
    std::optional<pollux::FaultInjection::Truce> resting_;
    bool right_ = false;
    Budget budget_;
    int turns_ = 0;
    int in_a_row_ = 0;
    int idle_turns_ = 0;
    int reports_ = 0;
    std::mutex telling_; // threads tell, too
    // No memory of the heap: that is what is counted.
    std::array<char, 400> told_{}; // what was reported
    std::array<char, 400> wrong_{};
};

} // namespace pollux_test
