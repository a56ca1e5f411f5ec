#pragma once

#include <cstdint>
#include <pollux/clock.hpp>
#include <string>
#include <vector>

namespace pollux {

/// What a client does once it is connected, one step after the other; see `ScriptedClient`.
///
///     Script{}.send("hello\n").expect("hello\n").end().expect_end()
class Script {
public:
    /// Sends the bytes, as far as there is room, and then the rest. In how many pieces is a choice.
    Script& send(std::string bytes);
    /// Waits for these bytes. Others, and the end before them, are a failure.
    Script& expect(std::string bytes);
    /// Says its end (shutdown(2)); goes on receiving.
    Script& end();
    /// Waits for the program's end. More bytes, and a reset, are a failure.
    Script& expect_end();
    /// Takes all that comes until the program's end or its reset.
    Script& read_to_end();
    /// Closes. With input that was not taken TCP resets the program.
    Script& close();
    /// Breaks the connection off.
    Script& reset();
    /// Does nothing for so long.
    Script& wait(Clock::duration time);
    /// A choice: goes on, or closes, or breaks off; after the last two nothing follows.
    Script& perhaps_leave();
    /// From here on the program may break the connection off, end it, or refuse it: that is the
    /// end of the script, and no failure.
    Script& may_be_cut();

    enum class Kind : std::uint8_t {
        send,
        expect,
        end,
        expect_end,
        read_to_end,
        close,
        reset,
        wait,
        perhaps_leave,
        may_be_cut,
    };
    struct Step {
        Kind kind;
        std::string bytes{};
        Clock::duration time{};
    };
    const std::vector<Step>& steps() const noexcept { return steps_; }

private:
    Script& add(Step step);

    std::vector<Step> steps_;
};

/// `expect "hello\n"`; of many bytes the first and how many there are.
std::string to_string(const Script::Step& step);

} // namespace pollux
