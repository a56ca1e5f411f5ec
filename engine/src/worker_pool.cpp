#include <pollux/worker_pool.hpp>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <stdexcept>

#include "post_place.hpp"
#include "process_mark.hpp"
#include "thread_group.hpp"

namespace pollux {

struct WorkerPool::Threads {
    struct Job {
        EventLoop* loop;
        Run run;
        PostPlace place; // of the result
    };

    explicit Threads(const WorkerPoolOptions& options)
        : limit{options.queue_limit}, running{options.threads, "workers"} {
        if (options.threads == 0) throw std::invalid_argument{"WorkerPool: no threads"};
        if (options.queue_limit == 0) throw std::invalid_argument{"WorkerPool: no queue"};
        try {
            while (running.size() < options.threads) running.start(*this);
        } catch (...) {
            end();
            throw;
        }
    }
    ~Threads() { end(); }
    Threads(const Threads&) = delete;
    Threads& operator=(const Threads&) = delete;

    void work() {
        std::unique_lock lock{mutex};
        for (;;) {
            changed.wait(lock, [this] { return ending || !jobs.empty(); });
            if (ending) return;
            Job job = std::move(jobs.front());
            jobs.pop_front();
            --taken;
            lock.unlock();
            job.place.post(*job.loop, job.run());
            lock.lock();
        }
    }

    void end() noexcept {
        std::unique_lock lock{mutex};
        ending = true;
        changed.notify_all();
        while (!jobs.empty()) { // one by one: even an empty deque needs memory
            std::optional<Job> dropped{std::move(jobs.front())};
            jobs.pop_front();
            lock.unlock();
            dropped.reset();
            lock.lock();
        }
        lock.unlock();
        running.join();
    }

    const std::size_t limit;
    const ProcessMark process;
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Job> jobs;
    std::size_t taken = 0; // places in the queue; some are not filled yet
    bool ending = false;
    ThreadGroup running;
};

WorkerPool::WorkerPool(WorkerPoolOptions options) : threads_{std::make_unique<Threads>(options)} {}

// In a child nobody is there to be joined, and a thread of the parent may have held the mutex.
WorkerPool::~WorkerPool() {
    if (!threads_->process.is_current()) static_cast<void>(threads_.release());
}

std::size_t WorkerPool::waiting() const noexcept {
    if (!threads_->process.is_current()) return 0;
    const std::lock_guard lock{threads_->mutex};
    return threads_->taken;
}

WorkerPool::Place::Place(WorkerPool& pool) : threads_{pool.threads_.get()} {
    if (!threads_->process.is_current())
        throw std::logic_error{"WorkerPool::submit: this pool belongs to the parent process"};
    const std::lock_guard lock{threads_->mutex};
    if (threads_->taken == threads_->limit)
        threads_ = nullptr;
    else
        ++threads_->taken;
}

WorkerPool::Place::~Place() {
    if (threads_ == nullptr) return;
    const std::lock_guard lock{threads_->mutex};
    --threads_->taken;
}

// Told under the lock: once it is released the work may be done, and the pool destroyed.
void WorkerPool::Place::fill(EventLoop& loop, Run run) {
    PostPlace place;
    const std::lock_guard lock{threads_->mutex};
    threads_->jobs.push_back({&loop, std::move(run), std::move(place)});
    std::exchange(threads_, nullptr)->changed.notify_one();
}

} // namespace pollux
