// libev, as its manual (ev(3)) says: a watcher is a struct of ours that stays where it is; what is
// done outside of callbacks wants `ev_now_update`; an idle timeout is `ev_timer_again` ("Be smart
// about timeouts", the second way; the third, which it finds better mostly, is the program's work
// and asks nothing of a library); `ev_async_send` carries nothing and is given a queue
// ("Queueing").

#include <cstddef>
#include <ev.h>
#include <unistd.h>
#include <vector>

#include "peers/job_queue.hpp"
#include "peers/peer.hpp"

namespace peers {

namespace {

struct EndLoop {
    void operator()(struct ev_loop* loop) const { ev_loop_destroy(loop); }
};
using Loop = std::unique_ptr<struct ev_loop, EndLoop>;

Loop make_loop(unsigned facility = EVBACKEND_EPOLL) {
    Loop loop{ev_loop_new(facility | EVFLAG_NOENV)};
    if (loop == nullptr) refuse("libev", "such loop");
    return loop;
}

double seconds(std::chrono::milliseconds time) {
    return std::chrono::duration<double>{time}.count();
}

class EvWatching final : public Watching {
public:
    EvWatching(unsigned facility, TokenRing& ring) : ring_{ring}, loop_{make_loop(facility)} {}

    void add(std::span<const int> fds) override {
        watchers_.resize(fds.size());
        for (std::size_t i = 0; i < fds.size(); ++i) {
            ev_io_init(&watchers_[i].io, on_ready, fds[i], EV_READ);
            watchers_[i].io.data = this;
            watchers_[i].place = i;
            ev_io_start(loop_.get(), &watchers_[i].io);
        }
    }
    void remove() override {
        for (Watcher& watcher : watchers_) {
            ev_io_stop(loop_.get(), &watcher.io);
            close(watcher.io.fd);
        }
    }
    void turn() override { ev_run(loop_.get(), EVRUN_NOWAIT); }
    void run() override { ev_run(loop_.get(), 0); }
    void end() override { ev_break(loop_.get(), EVBREAK_ONE); }

private:
    struct Watcher {
        ev_io io;
        std::size_t place;
    };
    static void on_ready(struct ev_loop*, ev_io* io, int) {
        static_cast<EvWatching*>(io->data)->ring_.ready(reinterpret_cast<Watcher*>(io)->place);
    }

    TokenRing& ring_;
    Loop loop_;
    std::vector<Watcher> watchers_;
};

class EvTimers final : public Timers {
public:
    explicit EvTimers(std::size_t count) : timers_(count) {
        for (ev_timer& timer : timers_) {
            ev_timer_init(&timer, on_due, 0., 0.);
            timer.data = this;
        }
    }

    void arm(std::span<const std::chrono::milliseconds> delays) override {
        ev_now_update(loop_.get());
        for (std::size_t i = 0; i < delays.size(); ++i) {
            ev_timer_set(&timers_[i], seconds(delays[i]), 0.);
            ev_timer_start(loop_.get(), &timers_[i]);
        }
    }
    void cancel(std::span<const std::size_t> order) override {
        for (const std::size_t i : order) ev_timer_stop(loop_.get(), &timers_[i]);
    }
    void put_off(std::span<const std::size_t> timers) override {
        ev_now_update(loop_.get());
        for (const std::size_t i : timers) {
            timers_[i].repeat = seconds(idle_timeout);
            ev_timer_again(loop_.get(), &timers_[i]);
        }
        turn();
    }
    void turn() override { ev_run(loop_.get(), EVRUN_NOWAIT); }
    std::size_t armed() const override {
        std::size_t count = 0;
        for (const ev_timer& timer : timers_)
            if (ev_is_active(&timer)) ++count;
        return count;
    }

private:
    static void on_due(struct ev_loop*, ev_timer* timer, int) {
        count_call(static_cast<EvTimers*>(timer->data)->called_);
    }

    Loop loop_ = make_loop();
    std::vector<ev_timer> timers_;
};

class EvMailbox final : public Mailbox {
public:
    EvMailbox(Way way, Job job) : carries_{way == Way::queue}, job_{job} {
        ev_async_init(&async_, on_signal);
        async_.data = this;
        ev_async_start(loop_.get(), &async_);
    }

    void post(std::uint64_t times) override {
        for (; times > 0; --times)
            if (!carries_ || queue_.push(job_)) ev_async_send(loop_.get(), &async_);
    }
    void run() override { ev_run(loop_.get(), 0); }
    void end() override { ev_break(loop_.get(), EVBREAK_ONE); }

private:
    static void on_signal(struct ev_loop*, ev_async* async, int) {
        auto* self = static_cast<EvMailbox*>(async->data);
        self->carries_ ? self->queue_.run_all() : self->job_();
    }

    bool carries_;
    Job job_;
    JobQueue queue_;
    ev_async async_;
    Loop loop_ = make_loop();
};

unsigned parse_facility(std::string_view name) {
    if (name == "epoll") return EVBACKEND_EPOLL;
    if (name == "poll") return EVBACKEND_POLL;
    if (name == "select") return EVBACKEND_SELECT;
    refuse("libev", name);
}

} // namespace

Library library() {
    return {
        .name = "libev",
        .version = std::to_string(ev_version_major()) + '.' + std::to_string(ev_version_minor()),
        .watching = [](std::string_view facility, TokenRing& ring) -> std::unique_ptr<Watching> {
            return std::make_unique<EvWatching>(parse_facility(facility), ring);
        },
        .timers = [](std::size_t count) -> std::unique_ptr<Timers> {
            return std::make_unique<EvTimers>(count);
        },
        .mailbox = [](Way way, Job job) -> std::unique_ptr<Mailbox> {
            if (way == Way::post) refuse("libev", "way to carry a job");
            return std::make_unique<EvMailbox>(way, job);
        }};
}

} // namespace peers
