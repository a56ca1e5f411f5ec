#include "torture/trial.hpp"

#include <cstdio>
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
    const std::size_t used = std::strlen(to.data());
    std::snprintf(to.data() + used, size - used, "%s%.*s%.*s", used == 0 ? "" : "; ",
                  static_cast<int>(text.size()), text.data(), static_cast<int>(more.size()),
                  more.data());
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
    return took_turn(Clock::now() - before >= longest);
}

bool Trial::took_turn(bool idle) {
    if (idle ? ++idle_turns_ > most_idle_turns : ++turns_ > most_turns_) {
        fail(idle ? "it is stuck" : "more turns than the budget allows");
        return false;
    }
    return true;
}

void Trial::report(std::string_view what) noexcept {
    ++reports_;
    append(told_, what, "");
}

void Trial::fail(std::string_view what, std::string_view detail) noexcept {
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
