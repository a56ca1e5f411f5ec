#pragma once

#include <pollux/instruments/call_hook.hpp>

#include "instruments/call_names.hpp"

namespace pollux {

/// A call about to be made, as far as anybody who decides about it has to know it.
struct AskedCall {
    Call call;
    int fd;      ///< The first argument where that is an int; else -1.
    int command; ///< The second where that is one: of epoll_ctl, fcntl.
};

/// Who is asked about each call of the library while it lives: what `CallHook` and `FaultInjection`
/// stand on. The latest is asked first. They end in the reverse order of their beginning.
class Answerer {
public:
    Answerer() = default;
    Answerer(const Answerer&) = delete;
    Answerer& operator=(const Answerer&) = delete;

    /// `outcome` is what those asked before have decided.
    virtual void answer(const AskedCall& call, CallOutcome& outcome) = 0;

    Answerer* before() const noexcept { return before_; }

protected:
    ~Answerer() = default;
    /// The last thing that a constructor does, and the first of a destructor: it is asked between,
    /// and `end` waits for other threads that ask.
    void begin() noexcept;
    void end() noexcept;

private:
    Answerer* before_ = nullptr;
};

/// Asks them all, unless this thread is in the middle of an answer.
CallOutcome ask(const AskedCall& call) noexcept;

} // namespace pollux
