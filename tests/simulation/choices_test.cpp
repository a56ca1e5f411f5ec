#include <doctest/doctest.h>

#include <array>
#include <pollux/instruments/recorded_choices.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

using namespace pollux;

namespace {

std::string refusal_of(std::string_view line) {
    try {
        const RecordedChoices choices{line};
        return "accepted";
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
}

} // namespace

TEST_CASE("A seed gives the same choices on every machine") {
    SeededChoices choices{2};
    std::vector<std::size_t> found(12);
    for (std::size_t& one : found) one = choices.choose("any", 10);
    CHECK(line_of(found) == "7 6 7 8 6 0 4 8 9*2 2 7");
}

TEST_CASE("Among few seeds are those that choose plainly, and those that never do") {
    std::set<std::size_t> shares; // of odd choices, in tenths
    for (std::uint64_t seed = 0; seed < 16; ++seed) {
        SeededChoices choices{seed};
        std::size_t odd = 0;
        for (int i = 0; i < 1000; ++i) odd += std::size_t{choices.choose("any", 1000) != 0};
        shares.insert((odd + 50) / 100);
    }
    CHECK(shares == std::set<std::size_t>{0, 1, 4, 10});
}

TEST_CASE("Recorded choices are given in order, cut to what there is, then plain") {
    RecordedChoices choices{"3 0*2 7"};
    CHECK(choices.choose("first", 5) == 3);
    CHECK(choices.choose("no question", 1) == 0);
    CHECK(choices.choose("second", 5) == 0);
    CHECK(choices.choose("third", 5) == 0);
    CHECK(choices.choose("fourth", 5) == 4);
    CHECK(choices.choose("after the end", 5) == 0);
}

TEST_CASE("A line of choices reads back") {
    static constexpr std::array lines{"", "1", "0 1", "0*12 3 1", "7*3", "0*1000000"};
    for (const char* line : lines) {
        const RecordedChoices choices{std::string_view{line}};
        const RecordedChoices again{line_of(choices.answers())};
        CHECK(line_of(choices.answers()) == line_of(again.answers()));
    }
    CHECK(line_of(RecordedChoices{" 0 0  0 5 5*2 1 0"}.answers()) == "0*3 5*3 1");
}

TEST_CASE("A line that is wrong is refused with the place") {
    CHECK(refusal_of("1 x") == "choices \"1 x\", at 2: expected a number");
    CHECK(refusal_of("1 2*") == "choices \"1 2*\", at 4: expected a number");
    CHECK(refusal_of("1,2") == "choices \"1,2\", at 1: expected a space");
    CHECK(refusal_of("-1") == "choices \"-1\", at 0: expected a number");
    CHECK(refusal_of("99999999999999999999") ==
          "choices \"99999999999999999999\", at 0: the number is too large");
    CHECK(refusal_of("0*1000001") == "choices \"0*1000001\", at 9: more than a million answers");
    CHECK(refusal_of("1*18446744073709551615 1*2") ==
          "choices \"1*18446744073709551615 1*2\", at 22: more than a million answers");
}
