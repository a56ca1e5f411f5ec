// T1 of the catalogue: the queue of timers against a model, with tasks that make, arm, cancel and
// release timers, and that throw.

#include "timer_queue.hpp"

#include <doctest/doctest.h>

#include <iterator>
#include <limits>
#include <map>
#include <random>
#include <utility>

using namespace pollux;

namespace {

struct Thrown {};

/// Does the same to a queue and to a model, at random. Each task asks the model whether it is its
/// turn.
class Played {
public:
    explicit Played(unsigned seed) : random_{seed}, spread_{std::int64_t{10} << seed % 45} {}
    ~Played() { queue_.clear(); }
    Played(const Played&) = delete;
    Played& operator=(const Played&) = delete;

    void step() {
        for (std::int64_t times = up_to(3); times > 0; --times) change();
        if (up_to(1) == 0) now_ += up_to(3) == 0 ? up_to(2 * spread_) : up_to(spread_ / 8 + 1);
        if (up_to(1) == 0) run_due();
        bool none_is_armed = true;
        for (const auto& [name, timer] : timers_) {
            REQUIRE_EQ(TimerQueue::armed(*timer.slot), timer.armed);
            none_is_armed = none_is_armed && !timer.armed;
        }
        REQUIRE_EQ(queue_.idle(), none_is_armed);
        REQUIRE_EQ(queue_.live(), timers_.size());
    }

    std::size_t ran() const { return ran_; }
    std::size_t thrown() const { return thrown_; }

private:
    /// What the model knows of a timer.
    struct Copy {
        TimerSlot* slot;
        std::int64_t due;
        std::int64_t interval;
        std::uint64_t serial;
        bool armed = true;
        std::pair<std::int64_t, std::uint64_t> order() const { return {due, serial}; }
    };
    using Timers = std::map<int, Copy>;

    static Clock::time_point at(std::int64_t time) {
        return Clock::time_point{Clock::duration{time}};
    }
    std::int64_t up_to(std::int64_t most) {
        return std::uniform_int_distribution<std::int64_t>{0, most}(random_);
    }
    std::int64_t some_time() {
        switch (up_to(7)) {
        case 0:
        case 1:
            return now_;
        case 2:
        case 3:
            return now_ - up_to(spread_);
        case 4:
            return up_to(4) > 0 ? now_ + 1 : std::numeric_limits<std::int64_t>::max() - up_to(5);
        default:
            return now_ + up_to(spread_);
        }
    }

    void change() {
        const std::int64_t what = up_to(7);
        if (timers_.empty() || (what <= 1 && timers_.size() < 60)) return make();
        const auto any =
            std::next(timers_.begin(), up_to(static_cast<std::int64_t>(timers_.size()) - 1));
        Copy& timer = any->second;
        if (what <= 4) {
            timer.due = some_time();
            timer.serial = ++serial_;
            timer.armed = true;
            queue_.arm(*timer.slot, at(timer.due));
        } else if (what == 5) {
            timer.armed = false;
            queue_.cancel(*timer.slot);
        } else if (what == 6) {
            queue_.release(*timer.slot);
            timers_.erase(any);
        } else if (!queue_.idle()) {
            queue_.next_due();
        }
    }
    void make() {
        const int name = ++names_;
        const std::int64_t due = some_time();
        const std::int64_t interval = up_to(3) == 0 ? 1 + up_to(spread_) : 0;
        TimerSlot& slot =
            queue_.make(at(due), Clock::duration{interval}, [this, name] { run(name); });
        timers_.emplace(name, Copy{&slot, due, interval, ++serial_});
    }

    // Of this round, the one that is due first.
    Timers::iterator next() {
        auto first = timers_.end();
        for (auto one = timers_.begin(); one != timers_.end(); ++one) {
            const Copy& timer = one->second;
            if (!timer.armed || timer.due > round_ || timer.serial > last_) continue;
            if (first == timers_.end() || timer.order() < first->second.order()) first = one;
        }
        return first;
    }

    void run(int name) {
        ++ran_;
        const auto expected = next();
        REQUIRE(expected != timers_.end());
        REQUIRE_EQ(expected->first, name);
        Copy& timer = expected->second;
        timer.armed = timer.interval > 0;
        if (timer.armed) {
            timer.due +=
                ((now_ > timer.due ? now_ - timer.due : 0) / timer.interval + 1) * timer.interval;
            timer.serial = ++serial_;
        }
        for (std::int64_t times = up_to(3); times > 0; --times) change();
        if (up_to(12) > 0) return;
        ++thrown_;
        throw Thrown{};
    }

    void begin_round() {
        round_ = now_;
        last_ = serial_;
    }
    void run_due() {
        if (!is_cut_short_ || next() == timers_.end()) begin_round();
        is_cut_short_ = true;
        try {
            queue_.run_due(at(now_), nullptr);
            is_cut_short_ = false;
            REQUIRE(next() == timers_.end());
        } catch (const Thrown&) {
        }
    }

    std::mt19937_64 random_;
    std::int64_t spread_;
    TimerQueue queue_;
    Timers timers_;
    int names_ = 0;
    std::uint64_t serial_ = 0;
    std::int64_t now_ = 1'000;
    bool is_cut_short_ = false;
    std::int64_t round_ = 0;
    std::uint64_t last_ = 0;
    std::size_t ran_ = 0;
    std::size_t thrown_ = 0;
};

} // namespace

TEST_CASE("T1 P15 whatever tasks do to timers, and though they throw: the order is a model's") {
    std::size_t ran = 0;
    std::size_t thrown = 0;
    for (unsigned seed = 1; seed <= 90; ++seed) {
        CAPTURE(seed);
        Played played{seed};
        for (int step = 0; step < 400; ++step) played.step();
        ran += played.ran();
        thrown += played.thrown();
    }
    CHECK_GT(ran, 10'000);
    CHECK_GT(thrown, 1'000);
}
