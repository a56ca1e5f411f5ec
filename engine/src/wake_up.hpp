#pragma once

#include <atomic>
#include <cstdint>
#include <pollux/fd.hpp>
#include <utility>

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

    /// As `ask`, on that thread.
    void ask_here() noexcept { heard_ = true; }
    /// Whether somebody has asked since this was last asked.
    bool heard() noexcept {
        if (asked()) attend();
        return heard_ && std::exchange(heard_, false);
    }
    /// The same, which is not settled by that.
    bool has_been_asked() const noexcept { return heard_ || asked(); }

    /// The eventfd was readable. The loop is attentive from now on.
    void take() noexcept;
    /// The loop is attentive from now on. Who asked before is heard.
    void attend() noexcept;
    bool attentive() const noexcept { return attentive_; }
    /// Somebody asks who has not been heard yet.
    bool asked() const noexcept { return word_.load(std::memory_order_relaxed) == asking; }
    /// The same, looked at for about as long as a look in the kernel takes: who asks meanwhile is
    /// heard at once.
    bool asked_soon() const noexcept;
    /// Ends attention, unless somebody asks: then that is heard and the result false.
    bool may_sleep() noexcept;
    /// Ends attention. True: somebody asks, and maybe nothing was written.
    bool leave() noexcept;

private:
    enum Word : std::uint32_t {
        sleeping, // or about to
        attending,
        asking,
    };

    // A loop that looks reads this line all the time.
    alignas(cache_line) std::atomic<Word> word_{sleeping};
    bool attentive_ = false;
    bool heard_ = false;
    Fd eventfd_;
};

} // namespace pollux
