#pragma once

#include <atomic>
#include <exception>
#include <memory>
#include <pollux/coro/root.hpp>
#include <pollux/event_loop.hpp>

#include "post_place.hpp"

namespace pollux::coro {

class Join;

/// What a scope shares with what is posted for it, with who waits for its end, and with a task that
/// destroys it while it runs.
class ScopeCore : public std::enable_shared_from_this<ScopeCore> {
public:
    explicit ScopeCore(EventLoop& on);
    ~ScopeCore() = default;
    ScopeCore(const ScopeCore&) = delete;
    ScopeCore& operator=(const ScopeCore&) = delete;

    void add(std::unique_ptr<Root> root);
    void remove(Root& root) noexcept;
    /// A task has ended and is gone. Throws what it threw when nobody else is to be told.
    void ended(const std::exception_ptr& failure);
    void close() noexcept;

    /// Has the task go on, behind those who are to already.
    void queue(Root& root) noexcept;
    /// From any thread: looks which tasks wait in a stopped domain, on the loop's thread.
    void post_stop() noexcept;
    void request_stop() noexcept;

    EventLoop& loop;
    Domain domain;
    UniqueFunction<void(std::exception_ptr)> on_error;
    std::size_t size = 0;
    Join* joiner = nullptr;
    std::exception_ptr first_failure; // while there is a joiner

private:
    void deliver_stop();
    bool has_place_again() noexcept;
    void run_ready();

    Root::InScope roots_;
    Root::InReady ready_;
    Timer pulse_; // always there, so that nobody who is to go on needs memory
    std::atomic<bool> stop_posted_{false};
    PostPlace stop_place_;       // a stop cannot fail
    bool keeps_looking_ = false; // for stops, since there is no memory for another place
    bool closed_ = false;
};

} // namespace pollux::coro
