// A task that posts is followed in the next turn, though another thread has added a task before and
// is still to wake the loop. No test can stop a thread between these two steps, so what it has done
// by then is done here by hand: to the queue itself, which is the loop's own.

#include "loop_core.hpp"

#include <doctest/doctest.h>

#include <list>
#include <memory>
#include <pollux/backend.hpp>
#include <string>

using namespace pollux;

namespace {

// An explicit instantiation may name what is private.
PostedTasks& queue_of(LoopCore& core);
template <PostedTasks LoopCore::*queue> struct Opened {
    friend PostedTasks& queue_of(LoopCore& core) { return core.*queue; }
};
template struct Opened<&LoopCore::posted_>;

struct Closing {
    void operator()(LoopCore* core) const noexcept { core->close(); }
};

} // namespace

TEST_CASE(
    "a task that posts is followed in the next turn, whoever else is about to wake the loop") {
    for (const bool from_a_list : {false, true}) {
        const std::unique_ptr<LoopCore, Closing> core{
            new LoopCore{[] { return make_reactor(Backend::poll); }, {}}};
        std::string ran;
        core->post([&] {
            ran += 'a';
            REQUIRE(queue_of(*core).add([&] { ran += 'b'; })); // to be followed by a wake-up
            if (!from_a_list) return core->post([&] { ran += 'c'; });
            std::list<Task> one;
            one.emplace_back([&] { ran += 'c'; });
            core->post(one);
        });
        core->run_once(Timeout::zero());
        CHECK_EQ(ran, "a");
        core->run_once(Timeout::zero());
        CHECK_EQ(ran, "abc");
    }
}
