#pragma once

// Which wait costs less: epoll's, in proportion to what is ready, or poll's, in proportion to what
// is watched. It knows no descriptors and makes no system calls; the adaptive backend tells it what
// each wait found, and what a wait took when it asks for that.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace pollux {

class CheaperWait {
public:
    /// With fewer descriptors the two differ by less than a system call costs: epoll it is.
    static constexpr std::size_t fewest = 16;

    bool is_poll() const noexcept { return is_poll_; }

    /// A wait found `ready` of `watched`. True: it is time to ask both facilities for the same, and
    /// to tell `compared`.
    bool found(std::size_t ready, std::size_t watched) noexcept {
        if (!has_poll_) return false;
        weigh(static_cast<std::int64_t>(ready), static_cast<std::int64_t>(watched));
        // Less than a quarter was too little for poll wherever it was measured. So whoever has few
        // active never pays for a comparison.
        if (4 * ready < watched) return false;
        if (until_compared_ == 0) return true;
        --until_compared_;
        return false;
    }

    /// What a wait took that found `ready_by_epoll` and one that found `ready` of `watched`.
    void compared(std::chrono::nanoseconds epoll, std::size_t ready_by_epoll,
                  std::chrono::nanoseconds poll, std::size_t ready, std::size_t watched) noexcept {
        if (!has_poll_) return;
        if (epoll.count() <= 0 || poll.count() <= 0 || ready_by_epoll == 0) {
            until_compared_ = first_pause;
            return;
        }
        const double per_event =
            static_cast<double>(epoll.count()) / static_cast<double>(ready_by_epoll);
        const double per_watched = static_cast<double>(poll.count()) / static_cast<double>(watched);
        learn(static_cast<std::int64_t>(std::clamp(per_watched / per_event, 0.25, 4.0) * one));
        const std::int64_t even = price_ * static_cast<std::int64_t>(watched);
        const std::int64_t gain = gain_of_other(static_cast<std::int64_t>(ready), even);
        if (gain > even / slack) change();
    }

    /// The kernel refuses to poll: from now on it is epoll.
    void has_no_poll() noexcept { has_poll_ = is_poll_ = false; }

private:
    static constexpr std::int64_t one = 1024; // prices and regrets are in parts of this
    static constexpr std::int64_t slack = 32;
    static constexpr std::uint32_t first_pause = 64; // in waits
    static constexpr std::uint32_t last_pause = 256 * first_pause;

    // By how many events the wait would have been cheaper on the other facility.
    std::int64_t gain_of_other(std::int64_t ready, std::int64_t even) const noexcept {
        return is_poll_ ? even - ready * one : ready * one - even;
    }

    // Adds up what the other facility would have saved, and changes when this has reached one and a
    // half waits: at once where the difference is great, after some fifty waits where it is 5 %.
    // What the slack takes away each time keeps it from going to and fro where both cost the same.
    void weigh(std::int64_t ready, std::int64_t watched) noexcept {
        const std::int64_t even = price_ * watched;
        regret_ += gain_of_other(ready, even) - even / slack;
        if (regret_ < 0) regret_ = 0;
        if (2 * regret_ > 3 * even) change();
    }

    void change() noexcept {
        is_poll_ = !is_poll_;
        regret_ = 0;
    }

    // What was known counts half, so that one disturbed comparison does not decide; unless the two
    // are so far apart that other descriptors must be watched now. Comparisons get rare as long as
    // they say the same.
    void learn(std::int64_t price) noexcept {
        const std::int64_t off = price > price_ ? price - price_ : price_ - price;
        const bool agrees = 8 * off <= price_;
        price_ = agrees ? (price + price_) / 2 : price;
        pause_ = std::clamp(agrees ? 4 * pause_ : pause_ / 4, first_pause, last_pause);
        until_compared_ = pause_;
        regret_ = 0;
    }

    // What poll costs for one that is watched, where epoll costs `one` for one that is ready.
    // Before the first comparison so much that epoll is the choice.
    std::int64_t price_ = 4 * one;
    std::int64_t regret_ = 0;
    std::uint32_t until_compared_ = 0;
    std::uint32_t pause_ = first_pause;
    bool is_poll_ = false;
    bool has_poll_ = true;
};

} // namespace pollux
