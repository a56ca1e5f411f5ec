#include "posted_tasks.hpp"

namespace pollux {

bool PostedTasks::add(std::list<Task>& one) noexcept {
    const Lock lock{mutex_};
    if (closed_) return false;
    const bool is_first = posted_.empty() && handed_in_.empty();
    handed_in_.splice(handed_in_.end(), one);
    return is_first;
}

void PostedTasks::take() {
    taken_.clear();
    next_ = 0;
    const Lock lock{mutex_};
    taken_.swap(posted_);
    if (!handed_in_.empty()) handed_out_.swap(handed_in_);
}

// Destructors of callables may post, which is in vain.
void PostedTasks::close() noexcept {
    std::vector<Task> posted;
    std::list<Task> handed_in;
    {
        const Lock lock{mutex_};
        closed_ = true;
        posted.swap(posted_);
        handed_in.swap(handed_in_);
    }
    posted.clear();
    handed_in.clear();
    taken_.clear();
    handed_out_.clear();
}

} // namespace pollux
