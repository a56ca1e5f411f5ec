// epoll(7): the set of watched descriptors lives in the kernel. A registration costs one system
// call when it changes; a wait costs in proportion to what is ready, however many are watched.
// Regular files cannot be watched (EPERM). A registration belongs to the open file, not to the
// number: it outlives close(2) while a duplicate of the descriptor is open.

#include "backends.hpp"

#include <cerrno>
#include <climits>
#include <new>
#include <pollux/error.hpp>
#include <pollux/fd.hpp>
#include <string>
#include <vector>

#include "poll_bits.hpp"
#include "sys.hpp"
#include "timespec.hpp"

namespace pollux {
namespace {

constexpr unsigned first_capacity = 64;

// So one translation serves both.
static_assert(EPOLLIN == POLLIN && EPOLLOUT == POLLOUT && EPOLLPRI == POLLPRI &&
              EPOLLERR == POLLERR && EPOLLHUP == POLLHUP && EPOLLRDHUP == POLLRDHUP);

std::uint32_t to_epoll(Interest interest, Trigger trigger) noexcept {
    std::uint32_t bits = to_poll_bits(interest);
    if (trigger == Trigger::edge) bits |= EPOLLET;
    if (trigger == Trigger::one_shot) bits |= EPOLLONESHOT;
    if (trigger == Trigger::exclusive) bits = (bits & ~std::uint32_t{EPOLLRDHUP}) | EPOLLEXCLUSIVE;
    return bits;
}

class EpollReactor final : public Reactor {
public:
    explicit EpollReactor(unsigned last_capacity) : last_capacity_{last_capacity} {}

    void add(int fd, Token token, Interest interest, Trigger trigger) override {
        control("epoll_ctl ADD", EPOLL_CTL_ADD, fd, token, to_epoll(interest, trigger));
    }

    void modify(int fd, Token token, Interest interest, Trigger trigger) override {
        control("epoll_ctl MOD", EPOLL_CTL_MOD, fd, token, to_epoll(interest, trigger));
    }

    bool remove(int fd) noexcept override {
        return sys::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr) == 0;
    }

    std::span<const Event> wait(Timeout timeout) override {
        const auto count = static_cast<unsigned>(wait_for(timeout));
        if (count >= room_) [[unlikely]] // or negative
            return full_or_failed(count);
        return translated(count);
    }

    bool supports(Trigger) const noexcept override { return true; }
    int descriptor() const noexcept override { return epoll_.get(); }
    std::string_view name() const noexcept override { return "epoll"; }

private:
    void control(const char* call, int operation, int fd, Token token, std::uint32_t bits) {
        epoll_event event{.events = bits, .data = {.u64 = static_cast<std::uint64_t>(token)}};
        if (sys::epoll_ctl(epoll_.get(), operation, fd, &event) < 0)
            throw_system_error(errno, call, "descriptor " + std::to_string(fd));
    }

    std::span<const Event> translated(std::size_t count) noexcept {
        const epoll_event* event = events_.data();
        for (Event& ready : std::span{ready_.data(), count}) {
            ready = {static_cast<Token>(event->data.u64), from_poll_bits(event->events)};
            ++event;
        }
        return {ready_.data(), count};
    }

    [[gnu::noinline]] std::span<const Event> full_or_failed(unsigned count) {
        if (count == room_) {
            grow();
            return translated(count);
        }
        if (errno != EINTR) throw_system_error(errno, "epoll_wait");
        return {};
    }

    // A full batch means that there may be more: the next one gets twice the room. Without memory
    // for that the batch at hand is delivered all the same.
    void grow() noexcept {
        if (room_ >= last_capacity_) return;
        try {
            events_.resize(std::size_t{2} * room_); // it may have grown alone before
            ready_.resize(events_.size());
            room_ = static_cast<unsigned>(ready_.size());
        } catch (const std::bad_alloc&) {
        }
    }

    // epoll_wait knows milliseconds. For "look" and "forever" that is enough and it is the shorter
    // way into the kernel.
    int wait_for(Timeout timeout) noexcept {
        int milliseconds = -1;
        if (timeout != forever) {
            if (timeout > Timeout::zero()) return wait_exactly(timeout);
            milliseconds = 0;
        }
        return sys::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(room_), milliseconds);
    }

    // In between, epoll_pwait2 (Linux 5.11) knows nanoseconds. Where it is missing (EPERM: kept out
    // by a container's filter that does not know it) milliseconds are rounded up: a wait that ends
    // early would spin until the deadline.
    [[gnu::noinline]] int wait_exactly(Timeout timeout) noexcept {
        const auto capacity = static_cast<int>(room_);
        if (has_nanoseconds_) {
            const timespec limit = to_timespec(timeout);
            const int count =
                sys::epoll_pwait2(epoll_.get(), events_.data(), capacity, &limit, nullptr);
            if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
            has_nanoseconds_ = false;
        }
        const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
        return sys::epoll_wait(epoll_.get(), events_.data(), capacity,
                               milliseconds > INT_MAX ? INT_MAX : static_cast<int>(milliseconds));
    }

    Fd epoll_{check(sys::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
    std::vector<epoll_event> events_ = std::vector<epoll_event>(first_capacity);
    std::vector<Event> ready_ = std::vector<Event>(first_capacity);
    unsigned room_ = first_capacity; // in both
    unsigned last_capacity_;
    bool has_nanoseconds_ = true;
};

} // namespace

std::unique_ptr<Reactor> make_epoll_reactor() { return std::make_unique<EpollReactor>(4096U); }

std::unique_ptr<Reactor> make_epoll_reactor_beside_poll() {
    return std::make_unique<EpollReactor>(1U << 24U); // the kernel takes more
}

} // namespace pollux
