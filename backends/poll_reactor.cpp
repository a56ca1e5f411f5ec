// poll(2): an array of descriptors is copied to the kernel and back at every wait, and the kernel
// asks each of them. A wait costs in proportion to what is watched; changing what is watched
// costs no system call. Any descriptor number fits. Reports levels only.

#include "backends.hpp"

#include <algorithm>
#include <cerrno>
#include <pollux/error.hpp>
#include <vector>

#include "poll_bits.hpp"
#include "sys.hpp"
#include "timespec.hpp"

namespace pollux {
namespace {

class PollReactor final : public Reactor {
public:
    explicit PollReactor(bool asks_whether_open) : asks_whether_open_{asks_whether_open} {}

    void add(int fd, Token token, Interest interest, Trigger trigger) override {
        require_level_or_one_shot(trigger, "poll");
        if (is_watched(fd)) refuse_twice("poll", fd);
        if (asks_whether_open_) require_open(fd, "poll");
        if (static_cast<std::size_t>(fd) >= known_.size())
            known_.resize(static_cast<std::size_t>(fd) + 1);
        make_room();
        known(fd).place = static_cast<std::uint32_t>(tokens_.size()) & nowhere;
        watched_.push_back(end_mark);
        tokens_.emplace_back();
        set(fd, token, interest, trigger);
    }

    void modify(int fd, Token token, Interest interest, Trigger trigger) override {
        require_level_or_one_shot(trigger, "poll");
        if (!is_watched(fd)) refuse_unknown("poll", fd);
        set(fd, token, interest, trigger);
    }

    bool remove(int fd) noexcept override {
        if (!is_watched(fd)) return false;
        erase(known(fd).place);
        return true;
    }

    std::span<const Event> wait(Timeout timeout) override {
        const timespec limit = to_timespec(timeout);
        const int count = sys::ppoll(watched_.data(), tokens_.size(),
                                     timeout == forever ? nullptr : &limit, nullptr);
        if (count < 0 && errno != EINTR) throw_system_error(errno, "poll");
        if (count <= 0) return {};
        // Before anything is disarmed: without memory all of it is found again by the next wait.
        const auto most = static_cast<std::size_t>(count);
        if (most > ready_.size()) ready_.resize(most);
        return {ready_.data(), one_shots_ == 0 ? translate<false>(most) : translate<true>(most)};
    }

    bool supports(Trigger trigger) const noexcept override { return is_level_or_one_shot(trigger); }
    int descriptor() const noexcept override { return -1; }
    std::string_view name() const noexcept override { return "poll"; }

private:
    static constexpr std::uint32_t nowhere = 0x7fff'ffff;
    /// What there is to know of a descriptor by its number.
    struct Known {
        std::uint32_t place : 31 = nowhere; // in the array
        std::uint32_t one_shot : 1 = false;
    };
    static_assert(sizeof(Known) == 4);

    Known& known(int fd) noexcept { return known_[static_cast<std::size_t>(fd)]; }
    bool is_watched(int fd) noexcept {
        // A negative number is beyond every size.
        return static_cast<std::size_t>(fd) < known_.size() && known(fd).place != nowhere;
    }

    // Four instructions for an entry that is not ready: the mark at the end ends the search. For
    // one that is ready each counts too, so who has no one-shot registration is not asked about it.
    template <bool some_are_one_shot> std::size_t translate(std::size_t most) noexcept {
        const pollfd* const end = watched_.data() + tokens_.size();
        Event* to = ready_.data();
        Event* const last = to + most;
        std::uint32_t all_bits = 0;
        for (pollfd* entry = watched_.data(); to != last; ++entry) {
            while (entry->revents == 0) ++entry;
            if (entry == end) break;
            const auto bits = static_cast<std::uint16_t>(entry->revents);
            all_bits |= bits;
            *to++ = {tokens_[static_cast<std::size_t>(entry - watched_.data())],
                     from_poll_bits(bits)};
            if (some_are_one_shot && known(entry->fd).one_shot) disarm(*entry);
        }
        if ((all_bits & POLLNVAL) != 0) forget_bad();
        return static_cast<std::size_t>(to - ready_.data());
    }

    void set(int fd, Token token, Interest interest, Trigger trigger) noexcept {
        const std::size_t place = known(fd).place;
        watched_[place] = {
            .fd = fd, .events = static_cast<short>(to_poll_bits(interest)), .revents = 0};
        tokens_[place] = token;
        set_one_shot(fd, trigger == Trigger::one_shot);
    }

    void set_one_shot(int fd, bool one_shot) noexcept {
        one_shots_ += static_cast<std::size_t>(one_shot);
        one_shots_ -= static_cast<std::size_t>(known(fd).one_shot);
        known(fd).one_shot = one_shot;
    }

    // Room for one more everywhere before anything changes, so that running out of memory leaves
    // the registrations as they were.
    void make_room() {
        if (watched_.size() < watched_.capacity()) return;
        const std::size_t capacity = std::max<std::size_t>(64, 2 * watched_.size());
        tokens_.reserve(capacity);
        watched_.reserve(capacity);
    }

    // poll ignores negative numbers; ~fd is negative for every descriptor and gives it back.
    static void disarm(pollfd& entry) noexcept { entry.fd = ~entry.fd; }
    static int number_of(const pollfd& entry) noexcept {
        return entry.fd < 0 ? ~entry.fd : entry.fd;
    }

    // They were reported; from now on nobody watches them, or every wait would end at once.
    void forget_bad() noexcept {
        // Downwards, because erase fills the gap with the last entry, which was looked at before.
        for (std::size_t place = tokens_.size(); place-- > 0;)
            if ((watched_[place].revents & POLLNVAL) != 0) erase(place);
    }

    void erase(std::size_t place) noexcept {
        const std::size_t last = tokens_.size() - 1;
        set_one_shot(number_of(watched_[place]), false);
        known(number_of(watched_[last])).place = static_cast<std::uint32_t>(place) & nowhere;
        known(number_of(watched_[place])).place = nowhere;
        watched_[place] = watched_[last];
        tokens_[place] = tokens_[last];
        watched_.pop_back();
        watched_[last] = end_mark;
        tokens_.pop_back();
    }

    static constexpr pollfd end_mark{.fd = -1, .events = 0, .revents = POLLNVAL};

    std::vector<pollfd> watched_{end_mark}; // dense: what the kernel is given, but for the mark
    std::vector<Token> tokens_;             // beside it, place by place
    std::vector<Known> known_;              // by descriptor
    std::size_t one_shots_ = 0;
    std::vector<Event> ready_;
    bool asks_whether_open_;
};

} // namespace

std::unique_ptr<Reactor> make_poll_reactor() { return std::make_unique<PollReactor>(true); }

std::unique_ptr<Reactor> make_poll_reactor_beside_epoll() {
    return std::make_unique<PollReactor>(false);
}

} // namespace pollux
