#pragma once

#include <memory>
#include <pollux/coro/descriptor.hpp>
#include <utility>

namespace pollux::coro {

/// What a descriptor shares with its watch, which keeps it alive while it calls, and with those who
/// wait.
class DescriptorCore {
public:
    DescriptorCore() = default;
    DescriptorCore(const DescriptorCore&) = delete;
    DescriptorCore& operator=(const DescriptorCore&) = delete;

    /// `self` is this object.
    static void open(const std::shared_ptr<DescriptorCore>& self, EventLoop& loop, int fd,
                     Trigger trigger);
    /// Tells those who wait, later.
    void close() noexcept;

    /// Throws `std::logic_error` when another waits in that direction.
    void check_free(const DescriptorWait& wait) const {
        const bool reads = wait.direction() == DescriptorWait::Direction::read;
        const DescriptorWait* const present = reads ? reader_ : writer_;
        if (present != nullptr && present != &wait) throw_occupied(reads);
    }
    void occupy(DescriptorWait& wait);
    /// `is_drained`: a read has found nothing left, so an edge will tell of what comes. `is_full`:
    /// likewise of a write.
    void wait_to_read(DescriptorWait& reader, bool is_drained) {
        if (!asks_read_ || is_silent(is_drained)) ask_to_read();
        ignored_ = false;
        reader_ = &reader;
    }
    void wait_to_write(DescriptorWait& writer, bool is_full);
    /// It waits, but not for the kernel.
    void hold_writer(DescriptorWait& writer) noexcept;
    /// What is still asked for on its account is taken back when the kernel next tells.
    void forget(const DescriptorWait& wait) noexcept {
        if (reader_ == &wait) reader_ = nullptr;
        if (writer_ != &wait) return;
        writer_ = nullptr;
        writer_holds_ = false;
    }

    /// What was told when nobody waited to read; to be asked once.
    Readiness take_unread() noexcept {
        ignored_ = false;
        return std::exchange(unread_, Readiness::none);
    }

    Trigger trigger() const noexcept { return trigger_; }
    int fd() const noexcept { return watch_.fd(); }

private:
    class Visit;
    bool waits_to_write() const noexcept { return writer_ != nullptr && !writer_holds_; }
    [[noreturn]] static void throw_occupied(bool reads);
    void ask_to_read();
    void on_ready(Readiness ready);
    /// Whether what is asked for already will not be told.
    bool is_silent(bool is_exhausted) const noexcept {
        return !armed_ &&
               (trigger_ == Trigger::one_shot || (trigger_ == Trigger::edge && !is_exhausted));
    }
    void nobody_reads(Readiness ready);
    void settle();
    void renew();
    void fail_waits() noexcept;

    Watch watch_;
    DescriptorWait* reader_ = nullptr;
    DescriptorWait* writer_ = nullptr;
    Trigger trigger_ = Trigger::level;
    Readiness unread_ = Readiness::none;
    bool writer_holds_ = false;
    bool asks_read_ = true;   // of the watch
    bool asks_write_ = false; // of the watch
    bool armed_ = true;       // no event since it was asked
    bool ignored_ = false;    // an event for which nobody waited
};

} // namespace pollux::coro
