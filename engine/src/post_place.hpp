#pragma once

#include <list>
#include <pollux/event_loop.hpp>

namespace pollux {

/// A place among the posted tasks of a loop, had before there is something to post: to post then
/// takes no memory and cannot fail. It is good for one task.
class PostPlace {
public:
    /// Throws `std::bad_alloc`.
    PostPlace() : task_(1) {}

    /// As `EventLoop::post`, behind what the same thread posted before.
    void post(EventLoop& loop, Task task) noexcept;

private:
    std::list<Task> task_;
};

} // namespace pollux
