// Torture of child processes: cat(1) gives back what it is given, which is more than a pipe holds.

#include "support/programs.hpp"
#include "support/streams.hpp"
#include "torture/torture.hpp"

#include <optional>
#include <pollux/stream/child.hpp>
#include <string>

using namespace pollux;
using namespace pollux_test;

namespace {

struct Parent {
    explicit Parent(Trial& in) : trial{in} {}

    bool set_up() {
        return trial.act([this] { loop.emplace(trial.mode.backend); });
    }

    bool copy() {
        Told told;
        std::optional<Child> child;
        const bool begun = trial.act([&] {
            ChildHandlers handlers = note(told);
            handlers.on_drain = [&] { end_input(*child); };
            child.emplace(*loop, piped({"cat"}), std::move(handlers));
        });
        if (!begun) return false;
        const bool taken = trial.act([&] {
            if (!child->write(text)) trial.report("its input is closed");
        });
        if (!taken || child->unsent() == 0) child->close_input();
        trial.until(*loop, [&] { return told.is_done(); });
        if (!told.status->success()) trial.report("its status");
        trial.act([&] { child.reset(); });
        trial.expect(has_no_children(), "no process is left");
        return told.output == text && told.order.ends_with("xd");
    }

    void end_input(Child& child) {
        if (!child.input_open()) trial.report("its input is closed");
        child.close_input();
    }

    Trial& trial;
    const std::string text = pattern(100'000);
    std::optional<EventLoop> loop;
};

void child_copies(Trial& trial) {
    Parent parent{trial};
    const bool right = parent.set_up() && parent.copy();
    trial.rest();
    trial.expect(parent.loop || parent.set_up(), "it can be set up again");
    trial.expect(parent.copy(), "the next one works");
    trial.go_on();
    trial.act([&] { parent.loop.reset(); });
    trial.right(right);
}

} // namespace

CONTRACT_CASE("torture X1 X2 X3 X4 child processes", everywhere) {
    // Pipes have no such error.
    torture(mode, "child processes", child_copies, {.fake_clock = false, .impossible = "read=EIO"});
}
