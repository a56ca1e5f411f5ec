#pragma once

#include <atomic>
#include <cstdint>
#include <pollux/fd.hpp>

#include "cache_line.hpp"

namespace pollux {

/// How others get a loop out of its wait: an eventfd(2), and a word that says whether a write to it
/// is needed. It is not while the loop is attentive, which is its promise to look at the word
/// before it sleeps.
class WakeUp {
public:
    /// Opens the eventfd, or a new one in its place.
    void open();
    int descriptor() const noexcept { return eventfd_.get(); }

    /// From any thread and from a signal handler: the loop takes a turn soon. What the caller
    /// stored before, as weakly as it likes, is seen by that turn.
    void ask() noexcept;

    // The rest is for the thread of the loop.

    /// The eventfd was readable. The loop is attentive from now on.
    void take() noexcept;
    /// True: somebody has asked, which is settled by that. The loop is attentive from now on.
    bool attend() noexcept;
    bool attentive() const noexcept { return attentive_; }
    /// Of an attentive loop. It is followed by `attend` if the loop goes on.
    bool asked() const noexcept { return word_.load(std::memory_order_relaxed) == asking; }
    /// The same, looked at for about as long as a look in the kernel takes: who asks meanwhile is
    /// heard at once.
    bool asked_soon() const noexcept;
    /// Ends attention, unless somebody has asked: then that is settled and the result false.
    bool may_sleep() noexcept;
    /// Ends attention. True: somebody has asked, and maybe nothing was written.
    bool leave() noexcept;

private:
    enum Word : std::uint32_t {
        sleeping, // or about to
        attending,
        asking,
    };

    alignas(cache_line) std::atomic<Word> word_{sleeping};
    alignas(cache_line) bool attentive_ = false;
    Fd eventfd_;
};

} // namespace pollux
