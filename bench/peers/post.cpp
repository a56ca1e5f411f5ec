#include <algorithm>
#include <atomic>
#include <pollux/error.hpp>
#include <sched.h>
#include <stdexcept>
#include <string>
#include <thread>

#include "peers/cpu_time.hpp"
#include "peers/options.hpp"
#include "peers/stand_by.hpp"
#include "peers/works.hpp"

namespace peers {

namespace {

Way parse_way(std::string_view name) {
    if (name == "post") return Way::post;
    if (name == "look") return Way::look;
    if (name == "queue") return Way::queue;
    if (name == "signal") return Way::signal;
    throw std::invalid_argument{"post, look, queue or signal, not " + std::string{name}};
}

void move_to_core(std::uint64_t core) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    pollux::check(sched_setaffinity(0, sizeof cores, &cores), "sched_setaffinity");
}

// A thread posts as fast as it can.
class Burst {
public:
    Burst(const Library& library, Way way, std::uint64_t core)
        : signals_{way == Way::signal},
          core_{core},
          mailbox_{library.mailbox(
              way, {[](void* self) noexcept { static_cast<Burst*>(self)->arrived(); }, this})} {}

    Sample measure(std::uint64_t count) {
        wanted_ = count;
        runs_ = 0;
        all_sent_ = running_ = false;
        std::uint64_t producer_cpu = 0;
        std::thread producer{[&] {
            move_to_core(core_);
            running_.wait(false);
            started_ = load::now();
            producer_cpu = time_of([&] { send(count); });
        }};
        running_ = true;
        running_.notify_one();
        const std::uint64_t cpu = time_of([&] { mailbox_->run(); });
        const std::int64_t ended = load::now();
        producer.join();
        if (signals_ ? runs_ == 0 || runs_ > count : runs_ != count)
            throw std::runtime_error{std::to_string(runs_) + " jobs were done"};
        return {{"count", count},
                {"wall_ns", static_cast<std::uint64_t>(ended - started_)},
                {"cpu_ns", cpu + producer_cpu},
                {"producer_cpu_ns", producer_cpu},
                {"runs", runs_}};
    }

private:
    // Signals that meet count as one, so who sends them says which is the last.
    void send(std::uint64_t count) {
        if (!signals_) return mailbox_->post(count);
        mailbox_->post(count - 1);
        all_sent_ = true;
        mailbox_->post(1);
    }

    void arrived() noexcept {
        ++runs_;
        if (signals_ ? all_sent_.load() : runs_ == wanted_) mailbox_->end();
    }

    bool signals_;
    std::uint64_t core_;
    std::uint64_t wanted_ = 0, runs_ = 0;
    std::int64_t started_ = 0;
    std::atomic<bool> all_sent_ = false, running_ = false;
    std::unique_ptr<Mailbox> mailbox_;
};

// Two loops of the library, one job that goes to and fro.
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): it keeps two threads apart
class RoundTrip {
public:
    RoundTrip(const Library& library, Way way, std::uint64_t core)
        : core_{core},
          here_{library.mailbox(
              way,
              {[](void* self) noexcept { static_cast<RoundTrip*>(self)->came_back(); }, this})},
          there_{library.mailbox(
              way,
              {[](void* self) noexcept { static_cast<RoundTrip*>(self)->turn_round(); }, this})} {}

    // The first trip is not counted: it waits for the other thread to begin.
    Sample measure(std::uint64_t count) {
        left_ = count + 1;
        started_ = 0;
        over_ = false;
        std::uint64_t cpu_there = 0;
        std::thread thread{[&] {
            move_to_core(core_);
            cpu_there = time_of([&] { there_->run(); });
        }};
        there_->post(1);
        const std::uint64_t cpu = time_of([&] { here_->run(); });
        const std::int64_t ended = load::now();
        over_ = true;
        there_->post(1);
        thread.join();
        return {{"count", count},
                {"wall_ns", static_cast<std::uint64_t>(ended - started_)},
                {"cpu_ns", cpu + cpu_there}};
    }

private:
    void turn_round() noexcept { over_ ? there_->end() : here_->post(1); }
    void came_back() noexcept {
        if (started_ == 0) started_ = load::now();
        --left_ == 0 ? here_->end() : there_->post(1);
    }

    std::uint64_t core_;
    std::atomic<bool> over_ = false;
    std::unique_ptr<Mailbox> here_, there_;
    // Written here at each trip: not beside what the other thread reads.
    alignas(64) std::uint64_t left_ = 0;
    std::int64_t started_ = 0;
};

} // namespace

void post(const Library& library, int argc, char** argv) {
    if (library.mailbox == nullptr) refuse(library.name, "post");
    const Options options{
        {{"--other-core", ""}, {"--way", "post"}, {"--shape", "burst"}}, argc, argv};
    const Way way = parse_way(options.text("--way"));
    if (way == Way::look && library.name != "pollux")
        refuse(library.name, "a look before it sleeps");
    const std::uint64_t core = options.number("--other-core");
    const auto stand_by_with = [](auto work) {
        stand_by(
            [&](std::uint64_t count) { return work.measure(std::max<std::uint64_t>(1, count)); });
    };
    if (options.text("--shape") == "burst")
        stand_by_with(Burst{library, way, core});
    else if (options.text("--shape") == "round-trip")
        stand_by_with(RoundTrip{library, way, core});
    else
        throw std::invalid_argument{"burst or round-trip, not " + options.text("--shape")};
}

} // namespace peers
