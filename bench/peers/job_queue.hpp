#pragma once

#include <mutex>
#include <utility>
#include <vector>

#include "peers/peer.hpp"

namespace peers {

/// What carries jobs to a loop whose library carries none. Two vectors change places, so no memory
/// is asked for when they have grown.
class JobQueue {
public:
    /// True when it was empty: only then somebody must be woken.
    bool push(Job job) {
        const std::lock_guard lock{mutex_};
        jobs_.push_back(job);
        return jobs_.size() == 1;
    }

    void run_all() {
        {
            const std::lock_guard lock{mutex_};
            std::swap(jobs_, under_way_);
        }
        for (const Job& job : under_way_) job();
        under_way_.clear();
    }

private:
    std::mutex mutex_;
    std::vector<Job> jobs_, under_way_;
};

} // namespace peers
