#pragma once

// The two queues of io_uring(7), as far as poll requests need them.

#include <atomic>
#include <cstdint>
#include <linux/io_uring.h>
#include <pollux/fd.hpp>
#include <pollux/reactor.hpp>

#include "process_mark.hpp"

namespace pollux {

/// Requests are written into memory that is shared with the kernel, and completions are read from
/// it; `enter` hands over the ones and waits for the others. Throws nothing but when it is made.
class IoUringRing {
public:
    /// Throws `std::system_error` when the kernel refuses: ENOSYS, EPERM (kernel.io_uring_disabled,
    /// or a filter of system calls), EINVAL (before Linux 5.19), EMFILE, ENOMEM.
    IoUringRing();

    int descriptor() const noexcept { return ring_.get(); }

    /// Whether so many more requests fit.
    bool has_room(unsigned requests) const noexcept { return entries_ - waiting() >= requests; }

    /// Asks for the bits of poll(2), once, or again and again until it is cancelled. The completion
    /// brings the mark back. Needs room.
    void poll(int fd, std::uint32_t bits, bool repeats, std::uint64_t mark) noexcept;
    /// Ends the request of that mark, which completes with ECANCELED. That itself completes only
    /// where there is nothing to end. Needs room.
    void cancel(std::uint64_t mark) noexcept;

    /// io_uring_enter(2): hands over what was asked for, and waits until so many completions are
    /// there. What the kernel does not take stays, and goes with the next. Negative: see errno.
    int enter(unsigned least, Timeout timeout) noexcept;

    /// Whether requests wait to be handed over.
    bool has_requests() const noexcept { return waiting() > 0; }
    /// Whether there are completions that the queue had no room for: the next `enter` brings them.
    bool has_more() const noexcept { return (load(flags_) & IORING_SQ_CQ_OVERFLOW) != 0; }

    /// Calls `each(mark, result, is_last)` for the completions that are there, and returns how many
    /// they were.
    template <class Each> unsigned take(Each each) noexcept {
        const unsigned end = load(completions_end_);
        const unsigned start = completed_;
        for (; completed_ != end; ++completed_) {
            const io_uring_cqe& done = completions_[completed_ & completions_mask_];
            each(done.user_data, done.res, (done.flags & IORING_CQE_F_MORE) == 0);
        }
        if (start != end) store(completions_start_, completed_);
        return end - start;
    }

    /// False in a process forked from the one that made the ring. The memory is shared with that
    /// one, so it must not be touched.
    bool is_ours() const noexcept { return process_.is_current(); }

private:
    /// mmap(2) of a part of the ring.
    class Mapping {
    public:
        Mapping(int ring, std::size_t size, off_t part);
        ~Mapping();
        Mapping(const Mapping&) = delete;
        Mapping& operator=(const Mapping&) = delete;
        template <class Type> Type* at(std::size_t offset) const noexcept {
            return reinterpret_cast<Type*>(static_cast<std::byte*>(start_) + offset);
        }

    private:
        void* start_;
        std::size_t size_;
    };

    // The kernel reads and writes these words at the same time.
    static unsigned load(unsigned* word) noexcept {
        return std::atomic_ref{*word}.load(std::memory_order_acquire);
    }
    static void store(unsigned* word, unsigned value) noexcept {
        std::atomic_ref{*word}.store(value, std::memory_order_release);
    }

    unsigned waiting() const noexcept { return requested_ - load(requests_start_); }
    void ask(const io_uring_sqe& request) noexcept;

    io_uring_params parameters_{};
    Fd ring_;
    Mapping queues_;
    Mapping requests_;
    unsigned entries_;
    unsigned completions_mask_;
    unsigned* requests_start_; // where the kernel reads
    unsigned* requests_end_;
    unsigned* flags_;
    unsigned* completions_start_;
    unsigned* completions_end_; // where the kernel writes
    const io_uring_cqe* completions_;
    unsigned requested_ = 0; // what requests_end_ holds
    unsigned completed_ = 0; // what completions_start_ holds
    ProcessMark process_;
};

} // namespace pollux
