#include "post_place.hpp"

#include <utility>

#include "loop_core.hpp"

namespace pollux {

void PostPlace::post(EventLoop& loop, Task task) noexcept {
    task_.front() = std::move(task);
    loop.core_->post(task_);
    task_.clear(); // a closed loop has left it; it may hold what holds this
}

} // namespace pollux
