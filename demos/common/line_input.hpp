#pragma once

#include <pollux/event_loop.hpp>
#include <string>
#include <string_view>

namespace demos {

/// The lines of standard input, on a loop: a terminal, a pipe or a file. It is watched at level
/// trigger whatever the program's trigger is, and read once each time it is ready: it is shared
/// with other processes, so it must not be made non-blocking.
class LineInput {
public:
    using OnLine = pollux::UniqueFunction<void(std::string_view line)>;

    /// `on_line` gets each line without its end (`\n` or `\r\n`), the last one also when it has
    /// none; `on_end` is called once, when the input ends or cannot be read. Neither may destroy
    /// this object.
    LineInput(pollux::EventLoop& loop, OnLine on_line, pollux::Task on_end);

    /// From now on `on_line` gets what was read byte for byte as it comes, ends of lines included;
    /// from a terminal that is a line.
    void take_as_it_is() { as_it_is_ = true; }

    /// Leaves further lines, those that were read already included, until `resume`.
    void pause();
    void resume();
    bool ended() const { return ended_ && lines_.empty(); }

private:
    void read();
    void hand_out();

    pollux::EventLoop& loop_;
    OnLine on_line_;
    pollux::Task on_end_;
    std::string lines_; // read, not handed out yet
    bool as_it_is_ = false;
    bool paused_ = false;
    bool ended_ = false;
    bool handing_out_ = false;
    pollux::Watch watch_;
    pollux::Timer soon_;
};

} // namespace demos
