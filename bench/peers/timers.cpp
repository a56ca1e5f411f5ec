#include <algorithm>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "peers/cpu_time.hpp"
#include "peers/options.hpp"
#include "peers/stand_by.hpp"
#include "peers/works.hpp"

namespace peers {

[[gnu::noinline]] void count_call(std::uint64_t& calls) noexcept { ++calls; }

namespace {

using std::chrono::milliseconds;

// The same for every library.
class Course {
public:
    // Messages come to any connection at any time, so some come twice before others come once: the
    // picks are with replacement. A library that puts off late what it is told early settles into
    // what that costs after some rounds of messages; the last ones are measured.
    static constexpr std::size_t settling = 6, measured = 2;

    explicit Course(std::size_t count)
        : order_(count), picks_((settling + measured) * count), far_(count), near_(count) {
        std::mt19937_64 random{1};
        std::iota(order_.begin(), order_.end(), std::size_t{0});
        std::ranges::shuffle(order_, random);
        std::ranges::generate(picks_, [&] { return random() % count; });
        std::ranges::generate(far_, [&] { return milliseconds{1000 + random() % 60'000}; });
        std::ranges::generate(near_, [&] { return milliseconds{1 + random() % 100}; });
    }
    std::span<const std::size_t> order() const { return order_; }
    std::span<const std::size_t> first_picks() const { return picks().first(settling * size()); }
    std::span<const std::size_t> last_picks() const { return picks().subspan(settling * size()); }
    std::size_t size() const { return order_.size(); }
    std::span<const milliseconds> far() const { return far_; }
    std::span<const milliseconds> near() const { return near_; }

private:
    std::span<const std::size_t> picks() const { return picks_; }

    std::vector<std::size_t> order_, picks_;
    std::vector<milliseconds> far_, near_;
};

class Measured {
public:
    Measured(Timers& timers, const Course& course) : timers_{timers}, course_{course} {}

    // Whether timers that are put off are not called at the time before. On a machine with much to
    // do that time may have come too soon; then once more, with a later one.
    void rehearse() {
        const std::size_t count = std::min(course_.size(), served_in_a_turn);
        std::vector<std::size_t> first(count);
        std::iota(first.begin(), first.end(), std::size_t{0});
        std::uint64_t called = 0;
        milliseconds delay{10};
        do {
            timers_.cancel(first);
            called = timers_.called();
            delay *= 2;
            timers_.arm(std::vector<milliseconds>(count, delay));
            timers_.put_off(first);
        } while (timers_.called() > called);
        std::this_thread::sleep_for(delay + milliseconds{10});
        timers_.turn();
        if (timers_.called() > called) throw std::runtime_error{"timers were not put off"};
        expect_armed(count);
        timers_.cancel(first);
    }

    void pass() {
        arm_ += time_of([&] { timers_.arm(course_.far()); });
        expect_armed(course_.size());
        cancel_ += time_of([&] { timers_.cancel(course_.order()); });
        expect_armed(0);
        timers_.arm(course_.far());
        rearm_ += time_of([&] { timers_.put_off(course_.order()); });
        put_off(course_.first_picks());
        put_off_ += time_of([&] { put_off(course_.last_picks()); }) / Course::measured;
        expect_armed(course_.size());
        timers_.cancel(course_.order());
        fire();
        make_and_destroy();
    }

    Sample sample(std::uint64_t count) const {
        Sample found{
            {"count", count},         {"cpu_ns", arm_ + rearm_ + put_off_ + cancel_ + call_},
            {"arm_ns", arm_},         {"rearm_ns", rearm_},
            {"put_off_ns", put_off_}, {"cancel_ns", cancel_},
            {"call_ns", call_}};
        if (makes_) found.insert(found.end(), {{"make_ns", make_}, {"destroy_ns", destroy_}});
        return found;
    }

private:
    // A turn serves some of the connections.
    void put_off(std::span<const std::size_t> picks) {
        while (!picks.empty()) {
            const std::size_t count = std::min(picks.size(), served_in_a_turn);
            timers_.put_off(picks.first(count));
            picks = picks.subspan(count);
        }
    }
    static constexpr std::size_t served_in_a_turn = 64;

    // They are called in one batch, when all are due: what the sleep in between costs is the
    // kernel's, and alike for all.
    void fire() {
        const std::uint64_t before = timers_.called();
        timers_.arm(course_.near());
        std::this_thread::sleep_for(std::ranges::max(course_.near()) + milliseconds{10});
        std::uint64_t last = 0;
        do { // a library that bounds its turns needs several
            last = timers_.called();
            call_ += time_of([&] { timers_.turn(); });
        } while (timers_.called() > last && timers_.armed() > 0);
        expect_armed(0);
        if (timers_.called() != before + course_.size())
            throw std::runtime_error{std::to_string(timers_.called() - before) +
                                     " timers were called"};
    }

    void make_and_destroy() {
        make_ += time_of([&] { makes_ = timers_.make(course_.far()); });
        destroy_ += time_of([&] { timers_.destroy(course_.order()); });
    }

    void expect_armed(std::size_t count) const {
        if (timers_.armed() != count)
            throw std::runtime_error{std::to_string(timers_.armed()) +
                                     " timers are armed and not " + std::to_string(count)};
    }

    Timers& timers_;
    const Course& course_;
    std::uint64_t arm_ = 0, rearm_ = 0, put_off_ = 0, cancel_ = 0, call_ = 0;
    std::uint64_t make_ = 0, destroy_ = 0;
    bool makes_ = false;
};

} // namespace

void use_timers(const Library& library, int argc, char** argv) {
    if (library.timers == nullptr) refuse(library.name, "timers");
    const Options options{{{"--timers", "100000"}}, argc, argv};
    const Course course{options.number("--timers")};
    const auto timers = library.timers(course.size());
    Measured{*timers, course}.rehearse();
    stand_by([&](std::uint64_t count) {
        Measured measured{*timers, course};
        for (std::uint64_t pass = 0; pass < count; ++pass) measured.pass();
        return measured.sample(count * course.size());
    });
}

} // namespace peers
