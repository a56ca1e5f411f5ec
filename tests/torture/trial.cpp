#include "torture/trial.hpp"

#include <cstring>

namespace pollux_test {

using namespace pollux;

namespace {

// All together longer than any deadline of the library's own, and of a scenario.
constexpr int most_idle_turns = 200;
constexpr std::chrono::seconds at_most_a_turn{1};
constexpr std::chrono::milliseconds at_most_a_real_turn{100};

template <std::size_t size>
void append(std::array<char, size>& to, std::string_view text, std::string_view more) noexcept {
    std::size_t used = std::strlen(to.data());
    for (const std::string_view part : {std::string_view{used == 0 ? "" : "; "}, text, more})
        used += part.copy(to.data() + used, size - 1 - used);
    to[used] = '\0';
}

} // namespace

Trial::Trial(const Mode& in, bool fakes_clock, int most_turns) : mode{in}, most_turns_{most_turns} {
    if (fakes_clock) clock_.emplace();
}

// Under the fake clock a turn that finds nothing passes its time, and one that does not pass it has
// found something: no real time is needed to tell a loop that spins, or one that is stuck.
bool Trial::turn(EventLoop& loop) {
    const Clock::time_point before = Clock::now();
    const Clock::duration longest = clock_ ? Clock::duration{at_most_a_turn} : at_most_a_real_turn;
    act([&] { loop.run_once(longest); });
    const bool idle = Clock::now() - before >= longest;
    if (idle ? ++idle_turns_ > most_idle_turns : ++turns_ > most_turns_) {
        fail(idle ? "it is stuck" : "more turns than the budget allows");
        return false;
    }
    return true;
}

void Trial::report(std::string_view what) noexcept {
    const std::lock_guard lock{telling_};
    ++reports_;
    append(told_, what, {});
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
