// The lines that a terminal or a pipe gives a program (`exit`, `quit`, what is said in a chat): the
// same however they arrive, and while whoever takes them pauses now and then.

#include "common/line_input.hpp"
#include "fuzzing.hpp"

#include <array>
#include <fcntl.h>
#include <optional>
#include <pollux/error.hpp>
#include <pollux/fd.hpp>
#include <unistd.h>

namespace {

using pollux_test::must;
using Lines = std::vector<std::string>;

Lines expected(std::string_view input) {
    Lines lines;
    while (!input.empty()) {
        const std::size_t end = input.find('\n');
        std::string_view line = input.substr(0, end);
        if (line.ends_with('\r')) line.remove_suffix(1);
        lines.emplace_back(line);
        input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
    }
    return lines;
}

// Standard input is a pipe meanwhile; gives its other end.
pollux::Fd stand_in_for_input() {
    std::array<int, 2> ends{};
    pollux::check(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
    const pollux::Fd theirs{ends[0]};
    pollux::check(::dup2(theirs.get(), STDIN_FILENO), "dup2");
    return pollux::Fd{ends[1]};
}

class Typing {
public:
    explicit Typing(std::string_view input) : dice_{input} {}

    void type(std::string_view piece) {
        while (!piece.empty()) {
            const ssize_t written = ::write(keyboard_.get(), piece.data(), piece.size());
            must(written > 0, "the pipe takes it");
            piece.remove_prefix(static_cast<std::size_t>(written));
            settle();
        }
    }
    const Lines& end() {
        keyboard_.reset();
        settle();
        must(ends_ == 1, "the end is told once");
        return lines_;
    }

private:
    void take(std::string_view line) {
        must(!paused_, "no line while it is paused");
        must(ends_ == 0, "no line after the end");
        lines_.emplace_back(line);
        if (dice_.roll(3) != 0) return;
        input_->pause();
        paused_ = true;
    }
    void settle() {
        while (loop_.run_once(pollux::Timeout::zero()) > 0 || paused_) {
            if (!std::exchange(paused_, false)) continue;
            must(ends_ == 0, "no end while it is paused");
            input_->resume();
        }
    }

    pollux::Fd keyboard_ = stand_in_for_input();
    pollux::EventLoop loop_;
    pollux_test::Dice dice_;
    Lines lines_;
    bool paused_ = false;
    int ends_ = 0;
    std::optional<demos::LineInput> input_{
        std::in_place, loop_, [this](std::string_view line) { take(line); }, [this] { ++ends_; }};
};

void fuzz(std::string_view input) {
    for (const auto& pieces : pollux_test::ways_to_cut(input)) {
        Typing typing{input};
        for (const std::string_view piece : pieces) typing.type(piece);
        must(typing.end() == expected(input), "the lines are those that were typed");
    }
}

const pollux_test::FuzzTarget target{"line_input", fuzz};

} // namespace
