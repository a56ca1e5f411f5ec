#pragma once

// The threads of a pool.

#include <pollux/error.hpp>
#include <signal.h>
#include <string>
#include <string_view>
#include <vector>

#include "sys.hpp"

namespace pollux {

/// A thread begins with the signal mask of the one that starts it.
class AllSignalsBlocked {
public:
    AllSignalsBlocked() {
        sigset_t all{};
        sigfillset(&all);
        if (const int error = sys::pthread_sigmask(SIG_SETMASK, &all, &before_); error != 0)
            throw_system_error(error, "pthread_sigmask");
    }
    ~AllSignalsBlocked() { sys::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    AllSignalsBlocked(const AllSignalsBlocked&) = delete;
    AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

private:
    sigset_t before_{};
};

/// Threads that have all signals blocked. Whoever owns them makes them end, and joins them.
class ThreadGroup {
public:
    /// For so many threads; `name` is what errors call them.
    ThreadGroup(std::size_t wanted, std::string_view name) : wanted_{wanted}, name_{name} {
        threads_.reserve(wanted);
    }

    /// Runs `body.work()`, which must not throw, in a thread of its own. Throws what names it:
    /// `pthread_create 3 of 4 workers: …`.
    template <class Body> pthread_t start(Body& body) {
        const AllSignalsBlocked blocked;
        pthread_t thread{};
        const auto entry = [](void* self) noexcept -> void* {
            static_cast<Body*>(self)->work();
            return nullptr;
        };
        if (const int error = sys::pthread_create(&thread, nullptr, entry, &body); error != 0)
            throw_system_error(error, "pthread_create",
                               std::to_string(threads_.size() + 1) + " of " +
                                   std::to_string(wanted_) + " " + name_);
        threads_.push_back(thread);
        return thread;
    }

    std::size_t size() const noexcept { return threads_.size(); }

    void join() noexcept {
        for (const pthread_t thread : threads_) sys::pthread_join(thread, nullptr);
        threads_.clear();
    }

private:
    std::size_t wanted_;
    std::string name_;
    std::vector<pthread_t> threads_;
};

} // namespace pollux
