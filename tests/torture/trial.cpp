#include "torture/trial.hpp"

#include <cstring>

namespace pollux_test {

using namespace pollux;

namespace {

// All together longer than any deadline of the library's own, and of a scenario.
constexpr int most_idle_turns = 200;
constexpr std::chrono::seconds at_most_a_turn{1};
constexpr std::chrono::milliseconds a_breath{10}; // of who has its turn refused
constexpr std::chrono::milliseconds at_most_a_real_turn{100};

template <std::size_t size>
void append(std::array<char, size>& to, std::string_view text, std::string_view more) noexcept {
    std::size_t used = std::strlen(to.data());
    for (const std::string_view part : {std::string_view{used == 0 ? "" : "; "}, text, more})
        used += part.copy(to.data() + used, size - 1 - used);
    to[used] = '\0';
}

} // namespace

Trial::Trial(const Mode& in, bool fakes_clock, const Budget& budget) : mode{in}, budget_{budget} {
    if (fakes_clock) clock_.emplace();
}

// Under the fake clock a turn that waits passes time, and one that passes none has found something:
// no real time is needed to tell a loop that spins, or one that is stuck.
bool Trial::turn(EventLoop& loop) {
    const Clock::time_point before = Clock::now();
    const Clock::duration longest = clock_ ? Clock::duration{at_most_a_turn} : at_most_a_real_turn;
    if (!act([&] { loop.run_once(longest); }) && clock_) clock_->advance(a_breath);
    const Clock::duration passed = Clock::now() - before;
    return took_turn(clock_ ? passed > Clock::duration::zero() : passed >= longest);
}

bool Trial::took_turn(bool idle) {
    in_a_row_ = idle ? 0 : in_a_row_ + 1;
    ++(idle ? idle_turns_ : turns_);
    if (idle_turns_ <= most_idle_turns && turns_ <= budget_.turns && in_a_row_ <= budget_.in_a_row)
        return true;
    fail(idle ? "it is stuck" : "more turns than the budget allows");
    return false;
}

void Trial::report(std::string_view what) noexcept {
    const std::lock_guard lock{telling_};
    ++reports_;
    append(told_, what, "");
}

void Trial::fail(std::string_view what, std::string_view detail) noexcept {
    const std::lock_guard lock{telling_};
    append(wrong_, what, detail);
}

void Trial::expect(bool held, std::string_view what) noexcept {
    if (!held) fail("not so: ", what);
}

const char* Trial::verdict(std::size_t faults) noexcept {
    if (static_cast<std::size_t>(reports_) > faults) fail("reported: ", told_.data());
    if (!right_ && reports_ == 0) fail("the job was not done, and nobody said why");
    return wrong_[0] == '\0' ? nullptr : wrong_.data();
}

} // namespace pollux_test
