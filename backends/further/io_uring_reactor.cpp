// io_uring(7): requests are written into memory that is shared with the kernel, and one system call
// hands over many of them and waits for completions. Here each is a poll request: tell me when this
// descriptor is ready. The kernel answers it once. So that a level is reported on every wait, what
// was reported is asked for again, in the call that waits. A turn is one system call however much
// has changed; but to ask for what is ready again costs the kernel several times what epoll's list
// of the ready does. Reports levels only: a request that repeats tells of wake-ups, not of states.
// A request holds the open file, the next one looks up the number again.

#include "../backends.hpp"

#if __has_include(<linux/io_uring.h>)
#include <linux/io_uring.h>
#endif

#ifdef IORING_SETUP_COOP_TASKRUN // headers of Linux 5.19

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <pollux/clock.hpp>
#include <pollux/error.hpp>
#include <utility>
#include <vector>

#include "../poll_bits.hpp"
#include "io_uring_ring.hpp"
#include "sys.hpp"

namespace pollux {
namespace {

class IoUringReactor final : public Reactor {
public:
    // Closing the ring ends its requests too, but later, and only when no child has it open.
    ~IoUringReactor() override { withdraw(); }

    void add(int fd, Token token, Interest interest, Trigger trigger) override {
        require_level_or_one_shot(trigger, "io_uring");
        if (is_watched(fd)) refuse_twice("io_uring", fd);
        require_open(fd, "io_uring");
        if (fd == ring_.descriptor()) throw_system_error(EINVAL, "io_uring", "cannot watch itself");
        if (static_cast<std::size_t>(fd) >= known_.size())
            known_.resize(static_cast<std::size_t>(fd) + 1);
        // Each descriptor is in one of them, once: with this room nothing fails later on.
        to_ask_.reserve(known_.capacity());
        again_.reserve(known_.capacity());
        known(fd).watched = true;
        ++watched_;
        set(fd, token, interest, trigger);
    }

    void modify(int fd, Token token, Interest interest, Trigger trigger) override {
        require_level_or_one_shot(trigger, "io_uring");
        if (!is_watched(fd)) refuse_unknown("io_uring", fd);
        set(fd, token, interest, trigger);
    }

    // At once, for the caller may close the descriptor now, and a request keeps the file open: its
    // peer would not see the end.
    bool remove(int fd) noexcept override {
        if (!is_watched(fd)) return false;
        forget(fd);
        if (!known(fd).asked || !ring_.is_ours()) return true;
        cancel(fd);
        hand_over();
        return true;
    }

    std::span<const Event> wait(Timeout timeout) override {
        if (!ring_.is_ours())
            throw_system_error(EPERM, "io_uring_enter", "in a child of the process that made it");
        if (ready_.size() < watched_) ready_.resize(2 * watched_);
        found_ = 0;
        follow_thread();
        // What completed meanwhile says what was ready then. It is asked for again.
        take(false);
        while (ring_.has_more() && hand_over()) {
        }
        try {
            find(timeout);
        } catch (...) {
            settle(false);
            throw;
        }
        if (some_are_bad_) settle(true);
        return {ready_.data(), found_};
    }

    // The kernel lets go of what a thread that has ended asked for when it comes to it: a socket
    // that is closed meanwhile would stay open, and its address taken.
    void leave_thread() noexcept override { withdraw(); }

    bool supports(Trigger trigger) const noexcept override { return is_level_or_one_shot(trigger); }
    // The ring's own would be silent about what was reported, and is not asked for until the next
    // wait.
    int descriptor() const noexcept override { return -1; }
    std::string_view name() const noexcept override { return "io_uring"; }

private:
    /// What there is to know of a descriptor by its number.
    struct Known {
        Token token{};
        std::uint32_t generation = 0; // of its requests: what an earlier one says is old
        std::uint16_t bits = 0;
        bool watched : 1 = false;
        bool one_shot : 1 = false;
        bool asked : 1 = false;  // a request is under way
        bool queued : 1 = false; // to be asked for by the next wait
        bool silent : 1 = false; // one-shot, and reported
        bool repeats : 1 = false;
        bool bad : 1 = false;
    };
    static_assert(sizeof(Known) == 16);

    Known& known(int fd) noexcept { return known_[static_cast<std::size_t>(fd)]; }
    bool is_watched(int fd) noexcept {
        // A negative number is beyond every size.
        return static_cast<std::size_t>(fd) < known_.size() && known(fd).watched;
    }
    std::uint64_t mark_of(int fd) noexcept {
        return std::uint64_t{known(fd).generation} << 32 | static_cast<std::uint32_t>(fd);
    }

    void set(int fd, Token token, Interest interest, Trigger trigger) noexcept {
        Known& entry = known(fd);
        const auto bits = static_cast<std::uint16_t>(to_poll_bits(interest));
        if (!entry.asked || entry.bits != bits) queue(fd);
        entry.token = token;
        entry.bits = bits;
        entry.one_shot = trigger == Trigger::one_shot;
        entry.silent = entry.repeats = false;
    }

    void forget(int fd) noexcept {
        Known& entry = known(fd);
        entry.watched = entry.bad = false;
        --watched_;
    }

    void queue(int fd) noexcept {
        if (!known(fd).queued) again_.push_back(fd);
        known(fd).queued = true;
    }

    // A request is completed by the thread that made it. Should that be busy elsewhere, or gone, it
    // would take its time.
    void follow_thread() noexcept {
        static std::atomic<std::uint64_t> threads{0};
        static thread_local const std::uint64_t here = ++threads;
        if (thread_ != here && std::exchange(thread_, here) != 0) queue_all();
    }

    void queue_all() noexcept {
        for (std::size_t number = 0; number < known_.size(); ++number)
            if (known_[number].asked) queue(static_cast<int>(number));
    }

    void find(Timeout timeout) {
        const bool has_end = timeout > Timeout::zero() && timeout != forever;
        const Clock::time_point end =
            has_end ? later(Clock::now(), timeout) : Clock::time_point::max();
        for (;;) {
            taken_ = 0;
            const bool all_asked = ask();
            const bool sleeps = found_ == 0 && timeout > Timeout::zero();
            if (!all_asked || !enter(sleeps ? 1 : 0, sleeps ? timeout : Timeout::zero())) return;
            while (ring_.has_more() && enter(0, Timeout::zero())) {
            }
            // Woken by the end of a request that nobody wants any more, or by something else than
            // what was asked for.
            if (found_ > 0 || (taken_ == 0 && !ring_.has_requests())) return;
            if (has_end) timeout = end - Clock::now();
        }
    }

    // Urgent data wakes nobody who asked for it alone.
    static std::uint32_t bits_to_ask(const Known& entry) noexcept {
        return (entry.bits & POLLPRI) != 0 ? entry.bits | POLLIN : entry.bits;
    }

    // False: a signal handler ran.
    bool ask() {
        to_ask_.erase(to_ask_.begin(), to_ask_.begin() + static_cast<std::ptrdiff_t>(next_));
        next_ = 0;
        to_ask_.insert(to_ask_.end(), again_.begin(), again_.end());
        again_.clear();
        for (; next_ < to_ask_.size(); ++next_) {
            while (!ring_.has_room(2))
                if (!enter(0, Timeout::zero())) return false;
            const int fd = to_ask_[next_];
            Known& entry = known(fd);
            entry.queued = false;
            // Of what is silent too, one that repeats: it would go on to report, and `set` would
            // take it for one that is still to say what is ready.
            if (entry.asked) cancel(fd);
            if (!entry.watched || entry.silent) continue;
            ring_.poll(fd, bits_to_ask(entry), entry.repeats, mark_of(fd));
            entry.asked = true;
        }
        return true;
    }

    // False: a signal handler ran.
    bool enter(unsigned least, Timeout timeout) {
        const int error = error_of_enter(least, timeout);
        const unsigned before = taken_;
        take(true);
        // EBUSY: there were more completions than room for them, until now.
        const bool went_on = error == 0 || error == ETIME || (error == EBUSY && taken_ > before);
        // EAGAIN: short of memory (io_uring_enter(2)). Waits of all facilities say so by one name.
        if (!went_on && error != EINTR)
            throw_system_error(error == EAGAIN ? ENOMEM : error, "io_uring_enter");
        if (failure_ != 0)
            throw_system_error(std::exchange(failure_, 0), "io_uring_enter", "poll request");
        return went_on;
    }

    void take(bool reports) noexcept {
        taken_ += ring_.take([&](std::uint64_t mark, int result, bool is_last) {
            const auto number = static_cast<std::uint32_t>(mark);
            if (number >= known_.size()) return;
            Known& entry = known_[number];
            if (!entry.asked || entry.generation != mark >> 32) return;
            entry.asked = !is_last;
            if (entry.queued) return; // to be asked for again, and reported once
            const int fd = static_cast<int>(number);
            if (!reports || result == -ECANCELED) // its thread has ended
                queue(fd);
            else if (result >= 0)
                report(fd, static_cast<std::uint32_t>(result), is_last);
            else
                report_failure(fd, -result);
        });
    }

    void report(int fd, std::uint32_t bits, bool is_last) noexcept {
        Known& entry = known(fd);
        bits &= entry.bits | POLLERR | POLLHUP | POLLNVAL;
        if ((bits & POLLPRI) != 0) bits = look_at(fd);
        // The kernel adds POLLRDHUP to what is asked for, `bits_to_ask` may add POLLIN. While these
        // stand a request that ends with the first completion ends at once: from now on it goes on
        // until the right one. One that ends nevertheless is for a file that wakes nobody and is
        // never urgent.
        const bool never_will_be = is_last && entry.repeats && (entry.bits & POLLPRI) != 0;
        entry.repeats = bits == 0;
        if (bits == 0 && (!is_last || never_will_be)) return;
        queue(fd);
        if (bits == 0) return;
        entry.silent = entry.one_shot;
        ready_[found_++] = {entry.token, from_poll_bits(bits)};
    }

    // A request believes who wakes it, and sockets claim urgent data whenever data comes.
    std::uint32_t look_at(int fd) noexcept {
        pollfd looked{.fd = fd, .events = static_cast<short>(known(fd).bits), .revents = 0};
        const timespec at_once{};
        return sys::ppoll(&looked, 1, &at_once, nullptr) > 0
                   ? static_cast<std::uint16_t>(looked.revents)
                   : 0;
    }

    void report_failure(int fd, int error) noexcept {
        // It is not ready and cannot wake anybody: it never will be.
        if (error == EINVAL) return;
        queue(fd);
        if (error != EBADF) {
            failure_ = error;
            return;
        }
        known(fd).bad = some_are_bad_ = true;
        ready_[found_++] = {known(fd).token, from_poll_bits(POLLNVAL)};
    }

    // What was reported stays silent, or is watched no longer: every wait would end at once. What
    // could not be reported is found again by the next wait.
    void settle(bool is_reported) noexcept {
        some_are_bad_ = false;
        for (const int fd : again_) {
            Known& entry = known(fd);
            if (!is_reported)
                entry.silent = entry.bad = false;
            else if (entry.bad)
                forget(fd);
        }
    }

    // Ends the request that is under way; what it still says is old. If the kernel takes nothing,
    // and there is no room left, the next wait does it.
    void cancel(int fd) noexcept {
        if (!ring_.has_room(1)) hand_over();
        Known& entry = known(fd);
        if (!entry.asked) return; // it has just completed
        if (!ring_.has_room(1)) {
            queue(fd);
            return;
        }
        ring_.cancel(mark_of(fd));
        ++entry.generation;
        entry.asked = false;
    }

    // False: the kernel refused. After a removal there may be no wait that would come back to it,
    // so that is not believed at once.
    bool hand_over() noexcept {
        bool went = false;
        for (int tries = 0; !went && tries < 3; ++tries) {
            went = error_of_enter(0, Timeout::zero()) == 0;
            take(false);
        }
        return went;
    }

    // EBADR: the kernel had no memory for completions that the queue had no room for, and they are
    // lost. Whose they were it does not say.
    int error_of_enter(unsigned least, Timeout timeout) noexcept {
        if (ring_.enter(least, timeout) >= 0) return 0;
        if (errno != EBADR) return errno;
        queue_all();
        ++taken_; // so that this wait goes on
        return 0;
    }

    // Ends what is under way.
    void withdraw() noexcept {
        if (!ring_.is_ours()) return;
        for (std::size_t number = 0; number < known_.size(); ++number) {
            if (!known_[number].asked) continue;
            queue(static_cast<int>(number));
            cancel(static_cast<int>(number));
        }
        if (ring_.has_requests()) hand_over();
    }

    IoUringRing ring_;
    std::vector<Known> known_; // by descriptor
    std::size_t watched_ = 0;
    std::vector<int> again_;  // to be asked for by the next wait
    std::vector<int> to_ask_; // being asked for, from next_ on
    std::size_t next_ = 0;
    std::vector<Event> ready_ = std::vector<Event>(64);
    std::size_t found_ = 0;
    unsigned taken_ = 0; // completions
    int failure_ = 0;
    bool some_are_bad_ = false;
    std::uint64_t thread_ = 0; // the last that waited
};

} // namespace

std::unique_ptr<Reactor> make_io_uring_reactor() { return std::make_unique<IoUringReactor>(); }

} // namespace pollux

#else

#include <cerrno>
#include <pollux/error.hpp>

namespace pollux {

std::unique_ptr<Reactor> make_io_uring_reactor() {
    throw_system_error(ENOSYS, "io_uring_setup", "built without its headers");
}

} // namespace pollux

#endif
