#pragma once

#include <list>
#include <mutex>
#include <pollux/function.hpp>
#include <utility>
#include <vector>

#include "cache_line.hpp"
#include "rest.hpp"

namespace pollux {

/// Tasks on their way to the thread of a loop: those of a thread in the order in which it added
/// them, and what was handed in as a list behind those that are there when it is taken. They run
/// where they stand: the two vectors change places, so that neither a task is moved nor memory is
/// asked for once both have grown.
class PostedTasks {
public:
    // From any thread. True: there was none, so the loop is to be told. False too when it is
    // closed: then the task is left where it is.
    bool add(Task&& task) {
        const Lock lock{mutex_};
        if (closed_) return false;
        const bool is_first = posted_.empty() && handed_in_.empty();
        posted_.push_back(std::move(task));
        return is_first;
    }
    /// The same for the one task of a list, which takes no memory and so cannot fail.
    bool add(std::list<Task>& one) noexcept;

    // The rest is for the thread of the loop.

    /// Takes all that were added; only when those that were taken before have run.
    void take();
    bool any_taken() const noexcept { return next_ < taken_.size() || !handed_out_.empty(); }

    /// The next of those that were taken. It runs while this object lives, and goes with it.
    class Next {
    public:
        explicit Next(PostedTasks& of) noexcept;
        ~Next();
        Next(const Next&) = delete;
        Next& operator=(const Next&) = delete;
        Task& operator*() const noexcept { return *task_; }

    private:
        PostedTasks& of_;
        const bool is_posted_; // else handed in
        Task* const task_;
    };

    /// Nothing is added from now on, and all go that have not run.
    void close() noexcept;

private:
    // The mutex is held for a few instructions. To sleep until it is free, and to wake who sleeps,
    // costs thousands, so that is left for the case that its holder lost its processor.
    class Lock {
    public:
        explicit Lock(std::mutex& mutex) : mutex_{mutex} {
            constexpr int tries = 64;
            for (int i = 0; i < tries; ++i) {
                if (mutex.try_lock()) return;
                rest();
            }
            mutex.lock();
        }
        ~Lock() { mutex_.unlock(); }
        Lock(const Lock&) = delete;
        Lock& operator=(const Lock&) = delete;

    private:
        std::mutex& mutex_;
    };

    // What the others write all the time is one line, of which the loop sees nothing until it
    // takes.
    alignas(cache_line) std::mutex mutex_;
    std::vector<Task> posted_; // guarded by mutex_, as are the next two
    std::list<Task> handed_in_;
    bool closed_ = false;

    alignas(cache_line) std::vector<Task> taken_;
    std::size_t next_ = 0;
    std::list<Task> handed_out_;
};

inline PostedTasks::Next::Next(PostedTasks& of) noexcept
    : of_{of},
      is_posted_{of.next_ < of.taken_.size()},
      task_{is_posted_ ? &of.taken_[of.next_++] : &of.handed_out_.front()} {}

inline PostedTasks::Next::~Next() {
    if (is_posted_)
        *task_ = nullptr;
    else
        of_.handed_out_.pop_front();
}

} // namespace pollux
