// A hundred thousand timers on one loop, and so many rounds of one work with all of them: for a
// tool that counts instructions. Prints nothing.

#include <algorithm>
#include <chrono>
#include <exception>
#include <iostream>
#include <pollux/event_loop.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using namespace pollux;
using std::chrono::milliseconds;

const char* const usage =
    "micro_timers arm-cancel|rearm|put-off|put-off-oldest|fire|make-destroy ROUNDS";

class Timers {
public:
    static constexpr std::size_t count = 100'000;

    Timers() {
        std::ranges::generate(far_, [this] { return milliseconds{1'000 + random_() % 60'000}; });
        for (std::size_t i = 0; i < count; ++i) {
            order_[i] = i;
            timers_.push_back(make(i));
        }
        std::ranges::shuffle(order_, random_);
        loop_.run_once(Timeout::zero());
    }

    void arm_and_cancel() {
        for (const std::size_t i : order_) timers_[i].cancel();
        for (std::size_t i = 0; i < count; ++i) timers_[i].run_at(start_ + far_[i]);
    }
    // Sooner or later than before.
    void rearm() {
        std::ranges::rotate(far_, far_.begin() + 1);
        for (const std::size_t i : order_) timers_[i].run_at(start_ + far_[i]);
    }
    void put_off() {
        later_ += milliseconds{1};
        for (const std::size_t i : order_) timers_[i].run_at(start_ + far_[i] + later_);
    }
    // As connections do that take turns, 64 in a turn of the loop.
    void put_off_oldest() {
        for (std::size_t i = 0; i < count; ++i) {
            timers_[i].run_at(start_ + milliseconds{60'000} +
                              (later_ += std::chrono::microseconds{7}));
            if (i % 64 != 0) continue;
            if (loop_.time_to_wait() == Timeout::zero()) ++due_; // as before a turn that waits
            loop_.run_once(Timeout::zero());
        }
    }
    // All at once, so that the loop's own turn is no part of it.
    void fire() {
        const Clock::time_point now = Clock::now();
        for (const std::size_t i : order_) timers_[i].run_at(now + far_[i] / 600);
        std::this_thread::sleep_until(std::chrono::steady_clock::now() + milliseconds{105});
        if (loop_.run_once(Timeout::zero()) != count) throw std::runtime_error{"not all ran"};
    }
    void make_and_destroy() {
        for (std::size_t i = 0; i < count; ++i) timers_[i] = make(i);
    }

private:
    Timer make(std::size_t i) {
        return loop_.run_at(start_ + far_[i], [this] { ++ran_; });
    }

    std::mt19937_64 random_{1};
    std::vector<milliseconds> far_ = std::vector<milliseconds>(count);
    std::vector<std::size_t> order_ = std::vector<std::size_t>(count);
    EventLoop loop_;
    Clock::time_point start_ = Clock::now();
    Clock::duration later_{};
    std::uint64_t ran_ = 0;
    std::uint64_t due_ = 0;
    std::vector<Timer> timers_;
};

void run(std::string_view work, std::uint64_t rounds) {
    Timers timers;
    const auto each = [rounds, &timers](auto one) {
        for (std::uint64_t round = 0; round < rounds; ++round) (timers.*one)();
    };
    if (work == "arm-cancel") return each(&Timers::arm_and_cancel);
    if (work == "rearm") return each(&Timers::rearm);
    if (work == "put-off") return each(&Timers::put_off);
    if (work == "put-off-oldest") return each(&Timers::put_off_oldest);
    if (work == "fire") return each(&Timers::fire);
    if (work == "make-destroy") return each(&Timers::make_and_destroy);
    throw std::invalid_argument{usage};
}

} // namespace

int main(int argc, char** argv) {
    try {
        if (argc != 3) throw std::invalid_argument{usage};
        run(argv[1], std::stoull(argv[2]));
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "micro_timers: " << error.what() << '\n';
        return 2;
    }
}
