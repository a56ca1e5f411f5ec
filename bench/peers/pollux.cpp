// Pollux through its public headers: watches at level trigger, timers that are kept and armed
// again, `post`. Programs arm their timers in callbacks, where `now` reads no clock, so that is
// where they are armed here.

#include <pollux/event_loop.hpp>
#include <unistd.h>
#include <vector>

#include "peers/peer.hpp"

namespace peers {

namespace {

class PolluxWatching final : public Watching {
public:
    PolluxWatching(pollux::Backend backend, TokenRing& ring) : ring_{ring}, loop_{backend} {}

    void add(std::span<const int> fds) override {
        for (std::size_t i = 0; i < fds.size(); ++i)
            watches_.push_back(loop_.watch(fds[i], pollux::Interest::read, pollux::Trigger::level,
                                           [this, i](pollux::Readiness) { ring_.ready(i); }));
    }
    void remove() override {
        for (pollux::Watch& watch : watches_) {
            const int fd = watch.fd();
            watch.stop();
            close(fd);
        }
        watches_.clear();
    }
    void turn() override { loop_.run_once(pollux::Timeout::zero()); }
    void run() override { loop_.run(); }
    void end() override { loop_.stop(); }

private:
    TokenRing& ring_;
    pollux::EventLoop loop_;
    std::vector<pollux::Watch> watches_;
};

class PolluxTimers final : public Timers {
public:
    explicit PolluxTimers(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            timers_.push_back(
                loop_.run_at(pollux::Clock::time_point{}, [this] { count_call(called_); }));
            timers_.back().cancel();
        }
    }

    void arm(std::span<const std::chrono::milliseconds> delays) override {
        in_callback([&] {
            for (std::size_t i = 0; i < delays.size(); ++i)
                timers_[i].run_at(loop_.now() + delays[i]);
        });
    }
    void cancel(std::span<const std::size_t> order) override {
        for (const std::size_t i : order) timers_[i].cancel();
    }
    void put_off(std::span<const std::size_t> timers) override {
        in_callback([&] {
            for (const std::size_t i : timers) timers_[i].run_at(loop_.now() + idle_timeout);
        });
    }
    bool make(std::span<const std::chrono::milliseconds> delays) override {
        made_.reserve(delays.size());
        in_callback([&] {
            for (const std::chrono::milliseconds delay : delays)
                made_.push_back(loop_.run_at(loop_.now() + delay, [this] { count_call(called_); }));
        });
        return true;
    }
    void destroy(std::span<const std::size_t> order) override {
        for (const std::size_t i : order) made_[i] = pollux::Timer{};
        made_.clear();
    }
    void turn() override { loop_.run_once(pollux::Timeout::zero()); }
    std::size_t armed() const override {
        std::size_t count = 0;
        for (const pollux::Timer& timer : timers_)
            if (timer.armed()) ++count;
        return count;
    }

private:
    template <class Work> void in_callback(Work work) {
        loop_.post([&work] { work(); });
        turn();
    }

    pollux::EventLoop loop_;
    std::vector<pollux::Timer> timers_;
    std::vector<pollux::Timer> made_;
};

class PolluxMailbox final : public Mailbox {
public:
    PolluxMailbox(Job job, pollux::LoopOptions options)
        : loop_{pollux::default_backend(), options}, job_{job} {}

    void post(std::uint64_t times) override {
        for (; times > 0; --times) loop_.post([this] { job_(); });
    }
    void run() override { loop_.run(); }
    void end() override { loop_.stop(); }

private:
    pollux::EventLoop loop_;
    Job job_;
};

} // namespace

Library library() {
    return {
        .name = "pollux",
        .version = POLLUX_VERSION,
        .watching = [](std::string_view facility, TokenRing& ring) -> std::unique_ptr<Watching> {
            return std::make_unique<PolluxWatching>(pollux::parse_backend(facility), ring);
        },
        .timers = [](std::size_t count) -> std::unique_ptr<Timers> {
            return std::make_unique<PolluxTimers>(count);
        },
        .mailbox = [](Way way, Job job) -> std::unique_ptr<Mailbox> {
            if (way != Way::post && way != Way::look) refuse("pollux", "that way to post");
            pollux::LoopOptions options;
            if (way == Way::look) options.spin = std::chrono::milliseconds{1};
            return std::make_unique<PolluxMailbox>(job, options);
        }};
}

} // namespace peers
