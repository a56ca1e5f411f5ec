#include <pollux/instruments/script.hpp>

#include "quoted.hpp"

#include <array>
#include <utility>

namespace pollux {
Script& Script::send(std::string bytes) { return add({Kind::send, std::move(bytes)}); }
Script& Script::expect(std::string bytes) { return add({Kind::expect, std::move(bytes)}); }
Script& Script::end() { return add({Kind::end}); }
Script& Script::expect_end() { return add({Kind::expect_end}); }
Script& Script::read_to_end() { return add({Kind::read_to_end}); }
Script& Script::close() { return add({Kind::close}); }
Script& Script::reset() { return add({Kind::reset}); }
Script& Script::wait(Clock::duration time) { return add({.kind = Kind::wait, .time = time}); }
Script& Script::perhaps_leave() { return add({Kind::perhaps_leave}); }
Script& Script::may_be_cut() { return add({Kind::may_be_cut}); }

Script& Script::add(Step step) {
    steps_.push_back(std::move(step));
    return *this;
}

std::string to_string(const Script::Step& step) {
    static constexpr std::array names{"send",  "expect", "end",  "expect end",    "read to end",
                                      "close", "reset",  "wait", "perhaps leave", "may be cut"};
    std::string text = names.at(static_cast<std::size_t>(step.kind));
    if (step.kind == Script::Kind::send || step.kind == Script::Kind::expect)
        text += ' ' + quoted(step.bytes);
    if (step.kind == Script::Kind::wait)
        text += ' ' +
                std::to_string(
                    std::chrono::duration_cast<std::chrono::milliseconds>(step.time).count()) +
                " ms";
    return text;
}

} // namespace pollux
