// select(2): three bit sets, one bit for each descriptor number, copied to the kernel and back at
// every wait, where the kernel asks every descriptor up to the highest. A descriptor numbered
// FD_SETSIZE (1024) or above does not fit: FD_SET would write past the set. It tells readable,
// writable and urgent and nothing else, and fails as a whole when one descriptor is bad.

#include "backends.hpp"

#include <array>
#include <bit>
#include <cerrno>
#include <pollux/error.hpp>
#include <string>

#include "sys.hpp"
#include "timespec.hpp"

namespace pollux {
namespace {

// A set as the kernel lays it out. FD_SET and its like would check each number once more.
class Set {
public:
    static constexpr std::size_t words = FD_SETSIZE / 64;

    bool has(int fd) const noexcept { return (bits_[word_of(fd)] & bit_of(fd)) != 0; }
    void put(int fd, bool in) noexcept {
        if (has(fd) == in) return;
        bits_[word_of(fd)] ^= bit_of(fd);
        in ? ++size_ : --size_;
    }
    std::uint64_t word(std::size_t place) const noexcept { return bits_[place]; }
    /// For select(2), which has less to copy when a set is left out; null for an empty one.
    fd_set* asked() noexcept { return size_ == 0 ? nullptr : reinterpret_cast<fd_set*>(&bits_); }

private:
    static std::size_t word_of(int fd) noexcept { return static_cast<std::size_t>(fd) / 64; }
    static std::uint64_t bit_of(int fd) noexcept { return std::uint64_t{1} << fd % 64; }

    std::array<std::uint64_t, words> bits_{};
    int size_ = 0; // as long as the kernel has not been asked
};
static_assert(8 * Set::words == sizeof(fd_set) &&
              (sizeof(long) == 8 || std::endian::native == std::endian::little));

struct Sets {
    Set readable;
    Set writable;
    Set urgent;
};

class SelectReactor final : public Reactor {
public:
    void add(int fd, Token token, Interest interest, Trigger trigger) override {
        require_level_or_one_shot(trigger, "select");
        if (fd >= FD_SETSIZE)
            throw_system_error(ERANGE, "select",
                               "descriptor " + std::to_string(fd) + " is not below FD_SETSIZE (" +
                                   std::to_string(FD_SETSIZE) + ")");
        if (is_watched(fd)) refuse_twice("select", fd);
        require_open(fd, "select");
        marks_[static_cast<std::size_t>(fd)] = {token, trigger, true};
        arm(fd, interest);
        if (fd >= end_) end_ = fd + 1;
    }

    void modify(int fd, Token token, Interest interest, Trigger trigger) override {
        require_level_or_one_shot(trigger, "select");
        if (!is_watched(fd)) refuse_unknown("select", fd);
        marks_[static_cast<std::size_t>(fd)] = {token, trigger, true};
        arm(fd, interest);
    }

    bool remove(int fd) noexcept override {
        if (!is_watched(fd)) return false;
        marks_[static_cast<std::size_t>(fd)] = {};
        disarm(fd);
        while (end_ > 0 && !is_watched(end_ - 1)) --end_;
        return true;
    }

    std::span<const Event> wait(Timeout timeout) override {
        found_ = 0;
        Sets sets = asked_;
        const timespec limit = to_timespec(timeout);
        const int count =
            sys::pselect(end_, sets.readable.asked(), sets.writable.asked(), sets.urgent.asked(),
                         timeout == forever ? nullptr : &limit, nullptr);
        if (count < 0 && errno == EBADF)
            report_bad();
        else if (count < 0 && errno != EINTR)
            throw_system_error(errno, "select");
        else if (count > 0)
            translate(sets);
        return {ready_.data(), found_};
    }

    bool supports(Trigger trigger) const noexcept override { return is_level_or_one_shot(trigger); }
    int descriptor() const noexcept override { return -1; }
    std::string_view name() const noexcept override { return "select"; }

private:
    struct Mark {
        Token token{};
        Trigger trigger = Trigger::level;
        bool watched = false;
    };

    bool is_watched(int fd) const noexcept {
        return fd >= 0 && fd < FD_SETSIZE && marks_[static_cast<std::size_t>(fd)].watched;
    }

    bool is_armed(int fd) const noexcept {
        return asked_.readable.has(fd) || asked_.writable.has(fd) || asked_.urgent.has(fd);
    }

    void arm(int fd, Interest interest) noexcept {
        asked_.readable.put(fd, has(interest, Interest::read));
        asked_.writable.put(fd, has(interest, Interest::write));
        asked_.urgent.put(fd, has(interest, Interest::urgent));
    }

    void disarm(int fd) noexcept { arm(fd, Interest{}); }

    void report(int fd, Readiness ready) noexcept {
        const Mark& mark = marks_[static_cast<std::size_t>(fd)];
        ready_[found_++] = {mark.token, ready};
        if (mark.trigger == Trigger::one_shot) disarm(fd);
    }

    // Word by word: a quiet stretch of 64 descriptors costs one test.
    void translate(const Sets& sets) noexcept {
        for (std::size_t place = 0; place * 64 < static_cast<std::size_t>(end_); ++place) {
            const std::uint64_t readable = sets.readable.word(place);
            const std::uint64_t writable = sets.writable.word(place);
            const std::uint64_t urgent = sets.urgent.word(place);
            const std::uint64_t more = writable | urgent;
            for (std::uint64_t any = readable | more; any != 0; any &= any - 1) {
                const int bit = std::countr_zero(any);
                Readiness ready = Readiness::readable; // mostly
                if (more != 0)
                    ready =
                        static_cast<Readiness>((readable >> bit & 1) | (writable >> bit & 1) << 1 |
                                               (urgent >> bit & 1) << 2);
                report(static_cast<int>(place) * 64 + bit, ready);
            }
        }
    }
    static_assert(static_cast<int>(Readiness::readable) == 1 &&
                  static_cast<int>(Readiness::writable) == 2 &&
                  static_cast<int>(Readiness::urgent) == 4);

    // One bad descriptor fails the whole call. It is reported and no longer watched, so that the
    // others are served by the next wait. A one-shot registration that is silent was not asked for.
    void report_bad() noexcept {
        for (int fd = 0; fd < end_; ++fd) {
            if (!is_armed(fd) || sys::fcntl(fd, F_GETFD, 0) >= 0) continue;
            report(fd, Readiness::readable | Readiness::writable | Readiness::error);
            remove(fd);
        }
    }

    Sets asked_;
    int end_ = 0; // one above the highest watched descriptor
    std::array<Mark, FD_SETSIZE> marks_{};
    std::array<Event, FD_SETSIZE> ready_{};
    std::size_t found_ = 0;
};

} // namespace

std::unique_ptr<Reactor> make_select_reactor() { return std::make_unique<SelectReactor>(); }

} // namespace pollux
