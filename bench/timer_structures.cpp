// A timeout for each connection, put off at every message: what that costs by the structure that
// keeps the timers, and what a Timer of Pollux costs.
//
//     timer_structures, then: go MESSAGES heap|red-black|list|scan|pollux TIMERS
//
// Each message is of a connection chosen at random, puts off its timeout and asks which is due
// next. `list` is sorted and searched from its end, which finds equal timeouts at once; `scan`
// keeps no order and looks at all when asked. `pollux` is asked by its loop, once in a turn that
// serves 64 messages.

#include <algorithm>
#include <list>
#include <pollux/event_loop.hpp>
#include <pollux/timer.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernel/clocks.hpp"
#include "kernel/stand_by.hpp"

namespace {

using kernel::Answer;
using kernel::Question;

constexpr std::int64_t timeout = 60'000'000'000;

/// A binary heap that knows the place of each timer.
class Heap {
public:
    explicit Heap(std::size_t count) : due_(count), heap_(count), place_(count) {
        for (std::size_t i = 0; i < count; ++i) {
            due_[i] = timeout + static_cast<std::int64_t>(i);
            heap_[i] = place_[i] = i;
        }
    }
    void put_off(std::size_t timer, std::int64_t due) {
        due_[timer] = due;
        std::size_t hole = place_[timer];
        for (std::size_t child = 2 * hole + 1; child < heap_.size(); child = 2 * hole + 1) {
            if (child + 1 < heap_.size() && due_[heap_[child + 1]] < due_[heap_[child]]) ++child;
            if (due <= due_[heap_[child]]) break;
            move(heap_[child], hole);
            hole = child;
        }
        move(timer, hole);
    }
    std::int64_t next() const { return due_[heap_.front()]; }

private:
    void move(std::size_t timer, std::size_t place) {
        heap_[place] = timer;
        place_[timer] = place;
    }

    std::vector<std::int64_t> due_;
    std::vector<std::size_t> heap_;
    std::vector<std::size_t> place_;
};

class RedBlack {
public:
    explicit RedBlack(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i)
            timers_.push_back(ordered_.emplace(timeout + static_cast<std::int64_t>(i), i).first);
    }
    void put_off(std::size_t timer, std::int64_t due) {
        auto node = ordered_.extract(timers_[timer]);
        node.value().first = due;
        timers_[timer] = ordered_.insert(std::move(node)).position;
    }
    std::int64_t next() const { return ordered_.begin()->first; }

private:
    using Ordered = std::set<std::pair<std::int64_t, std::size_t>>;
    Ordered ordered_;
    std::vector<Ordered::iterator> timers_;
};

class SortedList {
public:
    explicit SortedList(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i)
            timers_.push_back(
                ordered_.insert(ordered_.end(), timeout + static_cast<std::int64_t>(i)));
    }
    void put_off(std::size_t timer, std::int64_t due) {
        *timers_[timer] = due;
        auto place = ordered_.end();
        while (place != ordered_.begin() && *std::prev(place) > due) --place;
        ordered_.splice(place, ordered_, timers_[timer]);
    }
    std::int64_t next() const { return ordered_.front(); }

private:
    std::list<std::int64_t> ordered_;
    std::vector<std::list<std::int64_t>::iterator> timers_;
};

class Scan {
public:
    explicit Scan(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i)
            due_.push_back(timeout + static_cast<std::int64_t>(i));
    }
    void put_off(std::size_t timer, std::int64_t due) { due_[timer] = due; }
    std::int64_t next() const { return *std::min_element(due_.begin(), due_.end()); }

private:
    std::vector<std::int64_t> due_;
};

/// The loop asks for the next one itself, once in a turn, and pays there for what putting off has
/// left undone. A turn serves some messages.
class Pollux {
public:
    explicit Pollux(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i)
            timers_.push_back(loop_.run_at(at(timeout + static_cast<std::int64_t>(i)), [] {}));
    }
    void put_off(std::size_t timer, std::int64_t due) {
        timers_[timer].run_at(at(due));
        if (++messages_ % served_in_a_turn == 0) loop_.run_once(pollux::Timeout::zero());
    }
    std::int64_t next() const { return timeout; }

private:
    pollux::Clock::time_point at(std::int64_t due) const {
        return start_ + std::chrono::nanoseconds{due};
    }

    static constexpr std::uint64_t served_in_a_turn = 64;

    pollux::EventLoop loop_;
    std::uint64_t messages_ = 0;
    pollux::Clock::time_point start_ = loop_.now();
    std::vector<pollux::Timer> timers_;
};

// Each has been put off about twice, and lies where that leaves it. In Pollux it lies where it was
// until the loop comes to that place: what that costs is the same only after some rounds.
template <class Timers> constexpr std::size_t settling = 2;
template <> constexpr std::size_t settling<Pollux> = 8;

template <class Timers> Answer measure(std::uint64_t messages, std::size_t count) {
    Timers timers{count};
    kernel::Chance chance{static_cast<std::uint64_t>(kernel::now())};
    std::int64_t time = static_cast<std::int64_t>(count) + timeout;
    for (std::size_t left = settling<Timers> * count; left > 0; --left)
        timers.put_off(chance.below(count), ++time);
    bool in_vain = false;
    const std::int64_t begin = kernel::thread_cpu();
    for (std::uint64_t left = messages; left > 0; --left) {
        timers.put_off(chance.below(count), ++time);
        in_vain = in_vain || timers.next() > time;
    }
    const std::int64_t cpu = kernel::thread_cpu() - begin;
    if (in_vain) throw std::logic_error{"the next timer is later than the last"};
    return Answer{}.add("count", static_cast<std::int64_t>(messages)).add("cpu_ns", cpu);
}

Answer answer(const Question& question) {
    const std::string& name = question.word(0);
    const std::size_t count = question.number(1);
    if (count == 0) throw std::invalid_argument{"no timers"};
    if (name == "heap") return measure<Heap>(question.count(), count);
    if (name == "red-black") return measure<RedBlack>(question.count(), count);
    if (name == "list") return measure<SortedList>(question.count(), count);
    if (name == "scan") return measure<Scan>(question.count(), count);
    if (name == "pollux") return measure<Pollux>(question.count(), count);
    throw std::invalid_argument{"no structure " + name};
}

} // namespace

int main() { return kernel::stand_by(answer); }
