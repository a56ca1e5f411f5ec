#pragma once

#include <cstddef>
#include <pollux/clock.hpp>
#include <pollux/reactor.hpp>

namespace pollux {

/// Sees what a loop does, with durations: metrics, traces and pictures hang on it. Override what is
/// of interest. Called on the loop's thread; must not throw, and must not change the loop.
class LoopObserver {
public:
    LoopObserver() = default;
    LoopObserver(const LoopObserver&) = delete;
    LoopObserver& operator=(const LoopObserver&) = delete;
    virtual ~LoopObserver() = default;

    /// A wait came back with so many events.
    virtual void on_wait(Timeout /*asked*/, std::size_t /*events*/, Clock::duration /*took*/) {}
    /// The watch of a descriptor was called.
    virtual void on_dispatch(int /*fd*/, Readiness /*ready*/, Clock::duration /*took*/) {}
    /// A timer ran, so much after its due time.
    virtual void on_timer(Clock::duration /*late*/, Clock::duration /*took*/) {}
    /// A posted task ran.
    virtual void on_task(Clock::duration /*took*/) {}
};

} // namespace pollux
