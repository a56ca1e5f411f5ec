// libevent, as its book (libevent.org/libevent-book) says: events made by `event_new`; the method
// chosen by avoiding the others; no locks where one thread has the base to itself; many timeouts of
// one length in a common timeout queue. A timeout is counted from the cached time only within
// callbacks, where programs arm their timers, so that is where they are armed here.

#include <event2/event.h>
#include <event2/thread.h>
#include <unistd.h>
#include <vector>

#include "peers/job_queue.hpp"
#include "peers/peer.hpp"

namespace peers {

namespace {

struct EndBase {
    void operator()(event_base* base) const { event_base_free(base); }
};
using Base = std::unique_ptr<event_base, EndBase>;

struct EndEvent {
    void operator()(event* each) const { event_free(each); }
};
using Event = std::unique_ptr<event, EndEvent>;

struct EndConfig {
    void operator()(event_config* config) const { event_config_free(config); }
};

Base make_base(std::string_view facility, int flags) {
    const std::unique_ptr<event_config, EndConfig> config{event_config_new()};
    bool known = false;
    for (const char** method = event_get_supported_methods(); *method != nullptr; ++method) {
        if (facility == *method)
            known = true;
        else
            event_config_avoid_method(config.get(), *method);
    }
    if (!known) refuse("libevent", facility);
    event_config_set_flag(config.get(), flags | EVENT_BASE_FLAG_IGNORE_ENV);
    Base base{event_base_new_with_config(config.get())};
    if (base == nullptr) refuse("libevent", "base");
    return base;
}

void run_until_ended(event_base* base) { event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY); }

timeval timeval_of(std::chrono::milliseconds time) {
    return {.tv_sec = time.count() / 1000, .tv_usec = time.count() % 1000 * 1000};
}

class EventWatching final : public Watching {
public:
    EventWatching(std::string_view facility, TokenRing& ring)
        : ring_{ring}, base_{make_base(facility, EVENT_BASE_FLAG_NOLOCK)} {}

    void add(std::span<const int> fds) override {
        watchers_.resize(fds.size());
        for (std::size_t i = 0; i < fds.size(); ++i) {
            Watcher& watcher = watchers_[i];
            watcher.owner = this;
            watcher.place = i;
            watcher.event.reset(
                event_new(base_.get(), fds[i], EV_READ | EV_PERSIST, on_ready, &watcher));
            event_add(watcher.event.get(), nullptr);
        }
    }
    void remove() override {
        for (Watcher& watcher : watchers_) {
            const int fd = event_get_fd(watcher.event.get());
            watcher.event.reset();
            close(fd);
        }
    }
    void turn() override { event_base_loop(base_.get(), EVLOOP_NONBLOCK); }
    void run() override { run_until_ended(base_.get()); }
    void end() override { event_base_loopbreak(base_.get()); }

private:
    struct Watcher {
        EventWatching* owner;
        std::size_t place;
        Event event;
    };
    static void on_ready(evutil_socket_t, short, void* argument) {
        const auto* watcher = static_cast<const Watcher*>(argument);
        watcher->owner->ring_.ready(watcher->place);
    }

    TokenRing& ring_;
    Base base_;
    std::vector<Watcher> watchers_;
};

class EventTimers final : public Timers {
public:
    explicit EventTimers(std::size_t count) {
        const timeval idle = timeval_of(idle_timeout);
        idle_ = event_base_init_common_timeout(base_.get(), &idle);
        if (idle_ == nullptr) refuse("libevent", "common timeout");
        for (std::size_t i = 0; i < count; ++i)
            timers_.emplace_back(evtimer_new(base_.get(), on_due, this));
    }

    void arm(std::span<const std::chrono::milliseconds> delays) override {
        in_callback([&] {
            for (std::size_t i = 0; i < delays.size(); ++i) {
                const timeval delay = timeval_of(delays[i]);
                evtimer_add(timers_[i].get(), &delay);
            }
        });
    }
    void cancel(std::span<const std::size_t> order) override {
        for (const std::size_t i : order) evtimer_del(timers_[i].get());
    }
    void put_off(std::span<const std::size_t> timers) override {
        in_callback([&] {
            for (const std::size_t i : timers) evtimer_add(timers_[i].get(), idle_);
        });
    }
    void turn() override { event_base_loop(base_.get(), EVLOOP_NONBLOCK); }
    std::size_t armed() const override {
        std::size_t count = 0;
        for (const Event& timer : timers_)
            if (evtimer_pending(timer.get(), nullptr)) ++count;
        return count;
    }

private:
    static void on_due(evutil_socket_t, short, void* self) {
        count_call(static_cast<EventTimers*>(self)->called_);
    }

    template <class Work> void in_callback(Work work) {
        const timeval at_once{};
        const auto call = [](evutil_socket_t, short, void* argument) {
            (*static_cast<Work*>(argument))();
        };
        event_base_once(base_.get(), -1, EV_TIMEOUT, call, &work, &at_once);
        turn();
    }

    Base base_ = make_base("epoll", EVENT_BASE_FLAG_NOLOCK);
    const timeval* idle_;
    std::vector<Event> timers_;
};

// `event_base_once` carries a job, in memory asked for each time; `event_active` carries nothing.
class EventMailbox final : public Mailbox {
public:
    EventMailbox(Way way, Job job) : way_{way}, job_{job} {
        event_.reset(event_new(base_.get(), -1, EV_READ | EV_PERSIST, on_signal, this));
    }

    void post(std::uint64_t times) override {
        const timeval at_once{};
        for (; times > 0; --times) {
            if (way_ == Way::post)
                event_base_once(base_.get(), -1, EV_TIMEOUT, on_job, this, &at_once);
            else if (way_ == Way::signal || queue_.push(job_))
                event_active(event_.get(), EV_READ, 0);
        }
    }
    void run() override { run_until_ended(base_.get()); }
    void end() override { event_base_loopbreak(base_.get()); }

private:
    // A base is told from other threads only when it was made after this.
    static Base make_shared_base() {
        if (evthread_use_pthreads() != 0) refuse("libevent", "threads");
        return make_base("epoll", 0);
    }
    static void on_job(evutil_socket_t, short, void* self) {
        static_cast<EventMailbox*>(self)->job_();
    }
    static void on_signal(evutil_socket_t, short, void* argument) {
        auto* self = static_cast<EventMailbox*>(argument);
        self->way_ == Way::queue ? self->queue_.run_all() : self->job_();
    }

    Way way_;
    Job job_;
    JobQueue queue_;
    Base base_ = make_shared_base();
    Event event_;
};

} // namespace

Library library() {
    return {
        .name = "libevent",
        .version = event_get_version(),
        .watching = [](std::string_view facility, TokenRing& ring) -> std::unique_ptr<Watching> {
            return std::make_unique<EventWatching>(facility, ring);
        },
        .timers = [](std::size_t count) -> std::unique_ptr<Timers> {
            return std::make_unique<EventTimers>(count);
        },
        .mailbox = [](Way way, Job job) -> std::unique_ptr<Mailbox> {
            return std::make_unique<EventMailbox>(way, job);
        }};
}

} // namespace peers
