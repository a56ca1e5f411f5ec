#include "post_place.hpp"

#include <utility>

#include "loop_core.hpp"

namespace pollux {

void PostPlace::post(EventLoop& loop, Task task) noexcept {
    // Not touched any more once the loop has the task: that may make this place anew at once, or
    // destroy it. What a closed loop leaves goes here; it may hold what holds this.
    std::list<Task> one;
    one.splice(one.end(), task_);
    one.front() = std::move(task);
    loop.core_->post(one);
}

} // namespace pollux
