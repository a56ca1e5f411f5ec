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

using Words = std::array<std::uint64_t, FD_SETSIZE / 64>;
static_assert(sizeof(Words) == sizeof(fd_set) && std::endian::native == std::endian::little);

struct Sets {
    fd_set readable{};
    fd_set writable{};
    fd_set urgent{};
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
        disarm(fd);
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
        const int count = sys::pselect(end_, &sets.readable, &sets.writable, &sets.urgent,
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
        return FD_ISSET(fd, &asked_.readable) || FD_ISSET(fd, &asked_.writable) ||
               FD_ISSET(fd, &asked_.urgent);
    }

    void arm(int fd, Interest interest) noexcept {
        if (has(interest, Interest::read)) FD_SET(fd, &asked_.readable);
        if (has(interest, Interest::write)) FD_SET(fd, &asked_.writable);
        if (has(interest, Interest::urgent)) FD_SET(fd, &asked_.urgent);
    }

    void disarm(int fd) noexcept {
        FD_CLR(fd, &asked_.readable);
        FD_CLR(fd, &asked_.writable);
        FD_CLR(fd, &asked_.urgent);
    }

    void report(int fd, Readiness ready) noexcept {
        const Mark& mark = marks_[static_cast<std::size_t>(fd)];
        ready_[found_++] = {mark.token, ready};
        if (mark.trigger == Trigger::one_shot) disarm(fd);
    }

    // Word by word: a quiet stretch of 64 descriptors costs one test.
    void translate(const Sets& sets) noexcept {
        const auto readable = std::bit_cast<Words>(sets.readable);
        const auto writable = std::bit_cast<Words>(sets.writable);
        const auto urgent = std::bit_cast<Words>(sets.urgent);
        for (std::size_t word = 0; word * 64 < static_cast<std::size_t>(end_); ++word) {
            std::uint64_t any = readable[word] | writable[word] | urgent[word];
            for (; any != 0; any &= any - 1) {
                const int bit = std::countr_zero(any);
                const auto from = [&](const Words& set, Readiness meaning) {
                    return static_cast<Readiness>((set[word] >> bit & 1U) *
                                                  static_cast<std::uint64_t>(meaning));
                };
                const Readiness ready = from(readable, Readiness::readable) |
                                        from(writable, Readiness::writable) |
                                        from(urgent, Readiness::urgent);
                report(static_cast<int>(word) * 64 + bit, ready);
            }
        }
    }

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
