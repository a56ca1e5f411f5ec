// poll(2): an array of descriptors is copied to the kernel and back at every wait, and the kernel
// asks each of them. A wait costs in proportion to what is watched; changing what is watched
// costs no system call. Any descriptor number fits. Reports levels only.

#include "backends.hpp"

#include <algorithm>
#include <cerrno>
#include <pollux/error.hpp>
#include <vector>

#include "sys.hpp"
#include "timespec.hpp"

namespace pollux {
namespace {

constexpr short to_poll(Interest interest) noexcept {
    short bits = 0;
    if (has(interest, Interest::read)) bits |= POLLIN | POLLRDHUP;
    if (has(interest, Interest::write)) bits |= POLLOUT;
    if (has(interest, Interest::urgent)) bits |= POLLPRI;
    return bits;
}

constexpr Readiness from_poll(short bits) noexcept {
    Readiness ready = Readiness::none;
    if ((bits & (POLLIN | POLLHUP | POLLERR | POLLNVAL)) != 0) ready = ready | Readiness::readable;
    if ((bits & (POLLOUT | POLLERR | POLLNVAL)) != 0) ready = ready | Readiness::writable;
    if ((bits & POLLPRI) != 0) ready = ready | Readiness::urgent;
    if ((bits & POLLRDHUP) != 0) ready = ready | Readiness::peer_closed;
    if ((bits & POLLHUP) != 0) ready = ready | Readiness::hang_up;
    if ((bits & (POLLERR | POLLNVAL)) != 0) ready = ready | Readiness::error;
    return ready;
}

class PollReactor final : public Reactor {
public:
    void add(int fd, Token token, Interest interest, Trigger trigger) override {
        if (trigger == Trigger::edge) refuse_edge("poll");
        if (is_watched(fd)) refuse_twice("poll", fd);
        require_open(fd, "poll");
        const auto number = static_cast<std::size_t>(fd);
        if (number >= place_of_.size()) place_of_.resize(number + 1, nowhere);
        make_room();
        watched_.push_back({.fd = fd, .events = to_poll(interest), .revents = 0});
        tokens_.push_back(token);
        triggers_.push_back(trigger);
        place_of_[number] = static_cast<std::uint32_t>(watched_.size() - 1);
    }

    void modify(int fd, Token token, Interest interest, Trigger trigger) override {
        if (trigger == Trigger::edge) refuse_edge("poll");
        if (!is_watched(fd)) refuse_unknown("poll", fd);
        const std::size_t place = place_of_[static_cast<std::size_t>(fd)];
        watched_[place] = {.fd = fd, .events = to_poll(interest), .revents = 0};
        tokens_[place] = token;
        triggers_[place] = trigger;
    }

    bool remove(int fd) noexcept override {
        if (!is_watched(fd)) return false;
        erase(place_of_[static_cast<std::size_t>(fd)]);
        return true;
    }

    std::span<const Event> wait(Timeout timeout) override {
        ready_.clear();
        const timespec limit = to_timespec(timeout);
        int left = sys::ppoll(watched_.data(), watched_.size(),
                              timeout == forever ? nullptr : &limit, nullptr);
        if (left < 0 && errno != EINTR) throw_system_error(errno, "poll");
        // Before anything is disarmed: without memory all of it is found again by the next wait.
        ready_.reserve(static_cast<std::size_t>(std::max(left, 0)));
        // Downwards, because erase fills the gap with the last entry, which was looked at before.
        for (std::size_t place = watched_.size(); left > 0 && place-- > 0;) {
            const short bits = watched_[place].revents;
            if (bits == 0) continue;
            --left;
            ready_.push_back({tokens_[place], from_poll(bits)});
            if ((bits & POLLNVAL) != 0)
                erase(place);
            else if (triggers_[place] == Trigger::one_shot)
                disarm(place);
        }
        return ready_;
    }

    bool supports(Trigger trigger) const noexcept override { return trigger != Trigger::edge; }
    int descriptor() const noexcept override { return -1; }
    std::string_view name() const noexcept override { return "poll"; }

private:
    static constexpr auto nowhere = static_cast<std::uint32_t>(-1);

    bool is_watched(int fd) const noexcept {
        const auto number = static_cast<std::size_t>(fd); // negative: beyond every size
        return number < place_of_.size() && place_of_[number] != nowhere;
    }

    // Room for one more everywhere before anything changes, so that running out of memory leaves
    // the registrations as they were.
    void make_room() {
        if (watched_.size() < watched_.capacity()) return;
        const std::size_t capacity = std::max<std::size_t>(64, 2 * watched_.size());
        tokens_.reserve(capacity);
        triggers_.reserve(capacity);
        watched_.reserve(capacity);
    }

    // poll ignores negative numbers; ~fd is negative for every descriptor and gives it back.
    void disarm(std::size_t place) noexcept { watched_[place].fd = ~watched_[place].fd; }
    static int number_of(const pollfd& entry) noexcept {
        return entry.fd < 0 ? ~entry.fd : entry.fd;
    }

    void erase(std::size_t place) noexcept {
        place_of_[static_cast<std::size_t>(number_of(watched_.back()))] =
            static_cast<std::uint32_t>(place);
        place_of_[static_cast<std::size_t>(number_of(watched_[place]))] = nowhere;
        watched_[place] = watched_.back();
        tokens_[place] = tokens_.back();
        triggers_[place] = triggers_.back();
        watched_.pop_back();
        tokens_.pop_back();
        triggers_.pop_back();
    }

    std::vector<pollfd> watched_;         // dense: what the kernel is given
    std::vector<Token> tokens_;           // beside it, place by place
    std::vector<Trigger> triggers_;       // likewise
    std::vector<std::uint32_t> place_of_; // descriptor -> place
    std::vector<Event> ready_;
};

} // namespace

std::unique_ptr<Reactor> make_poll_reactor() { return std::make_unique<PollReactor>(); }

} // namespace pollux
