// poll(2) and epoll(7) together: both know all that is watched, and each wait is made on the one
// that costs less for what is ready. epoll pays for what is ready, poll for what is watched: with
// one of a thousand active poll costs a hundred times as much, with all of them 0.4 to 0.8 of it.
//
// The share of ready descriptors at which both cost the same is no constant: 0.38 on one machine;
// 0.68 for pipes, 0.80 for sockets and 0.87 for two thousand of them on another; more where the
// first that is ready stands late in the array. With the constant of one machine the other would
// pay 1.6 times the better of the two, so it is measured: seldom, and only where more than a
// quarter is ready.
//
// Reports levels. While something is registered one-shot it stays with epoll: what has fired must
// be silent in both sets, and telling epoll would cost a system call for each event.

#include "../backends.hpp"

#include <cstdint>
#include <pollux/clock.hpp>
#include <system_error>
#include <utility>
#include <vector>

#include "cheaper_wait.hpp"

namespace pollux {
namespace {

class AdaptiveReactor final : public Reactor {
public:
    void add(int fd, Token token, Interest interest, Trigger trigger) override {
        require_level_or_one_shot(trigger, name());
        epoll_->add(fd, token, interest, trigger);
        try {
            keep(fd, token, interest, trigger);
        } catch (...) {
            remove(fd);
            throw;
        }
    }

    void modify(int fd, Token token, Interest interest, Trigger trigger) override {
        require_level_or_one_shot(trigger, name());
        epoll_->modify(fd, token, interest, trigger);
        keep(fd, token, interest, trigger);
    }

    bool remove(int fd) noexcept override {
        if (static_cast<std::size_t>(fd) < known_.size()) { // nor negative
            poll_->remove(fd);
            count(fd, Known::no);
        }
        return epoll_->remove(fd);
    }

    std::span<const Event> wait(Timeout timeout) override {
        if (watched_ < CheaperWait::fewest || one_shots_ > 0) return epoll_->wait(timeout);
        const auto found = cheaper_.is_poll() ? wait_on_poll(timeout) : epoll_->wait(timeout);
        return cheaper_.found(found.size(), watched_) ? compare(timeout) : found;
    }

    bool supports(Trigger trigger) const noexcept override { return is_level_or_one_shot(trigger); }
    // Whoever watches this learns of all, on whichever facility this reactor waits itself.
    int descriptor() const noexcept override { return epoll_->descriptor(); }
    std::string_view name() const noexcept override { return "adaptive"; }

private:
    // epoll has agreed. What was closed without being removed it has forgotten by itself, so the
    // number may still stand in the other set.
    void keep(int fd, Token token, Interest interest, Trigger trigger) {
        const auto needed = static_cast<std::size_t>(fd) + 1;
        if (known_.size() < needed) known_.resize(needed);
        poll_->remove(fd);
        poll_->add(fd, token, interest, Trigger::level);
        count(fd, trigger == Trigger::one_shot ? Known::one_shot : Known::level);
    }

    // Each set forgets by itself what was closed, one sooner, the other later. Counted is what was
    // added and not removed.
    enum class Known : std::uint8_t { no, level, one_shot };
    void count(int fd, Known now) noexcept {
        const Known before = std::exchange(known_[static_cast<std::size_t>(fd)], now);
        watched_ += static_cast<std::size_t>(now != Known::no);
        watched_ -= static_cast<std::size_t>(before != Known::no);
        one_shots_ += static_cast<std::size_t>(now == Known::one_shot);
        one_shots_ -= static_cast<std::size_t>(before == Known::one_shot);
    }

    // poll(2) refuses a set that has grown beyond RLIMIT_NOFILE, and may lack memory in the kernel
    // where epoll needs none.
    std::span<const Event> wait_on_poll(Timeout timeout) {
        try {
            return poll_->wait(timeout);
        } catch (const std::system_error&) {
            cheaper_.has_no_poll();
            return epoll_->wait(timeout);
        }
    }

    // What was found is ready still, for nobody has been told. So both can be asked for it again,
    // and neither sleeps: what is timed is the work. A nanosecond stands for all timeouts, because
    // a poll that may sleep does more than one that may not: it enters the queue of each descriptor
    // up to the first that is ready. The least of some rounds counts; the first finds cold caches,
    // and any of them may be interrupted.
    std::span<const Event> compare(Timeout timeout) {
        const Timeout brief = timeout > Timeout::zero() ? Timeout{1} : Timeout::zero();
        auto least_by_epoll = Clock::duration::max();
        auto least_by_poll = Clock::duration::max();
        std::size_t ready_by_epoll = 0;
        std::span<const Event> found;
        for (int round = 0; round < 5; ++round) {
            const auto start = Clock::now();
            ready_by_epoll = epoll_->wait(Timeout::zero()).size();
            const auto middle = Clock::now();
            // One that is interrupted leaves what the one before has found.
            if (const auto now = wait_on_poll(brief); !now.empty()) found = now;
            least_by_epoll = std::min(least_by_epoll, middle - start);
            least_by_poll = std::min(least_by_poll, Clock::now() - middle);
        }
        cheaper_.compared(least_by_epoll, ready_by_epoll, least_by_poll, found.size(), watched_);
        return found;
    }

    std::unique_ptr<Reactor> epoll_ = make_epoll_reactor_beside_poll();
    std::unique_ptr<Reactor> poll_ = make_poll_reactor_beside_epoll(); // all of it as level
    std::vector<Known> known_;                                         // by descriptor
    std::size_t one_shots_ = 0;
    std::size_t watched_ = 0;
    CheaperWait cheaper_;
};

} // namespace

std::unique_ptr<Reactor> make_adaptive_reactor() { return std::make_unique<AdaptiveReactor>(); }

} // namespace pollux
