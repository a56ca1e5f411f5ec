// libuv, as its manual (docs.libuv.org) says: `uv_poll_t` for descriptors that are not streams of
// its own; a handle is ours and free again in its close callback; timers run from the loop's cached
// time, a repeating one is put off by `uv_timer_again`; `uv_async_send` carries nothing and is
// given a queue.

#include <memory>
#include <unistd.h>
#include <uv.h>
#include <vector>

#include "peers/job_queue.hpp"
#include "peers/peer.hpp"

namespace peers {

namespace {

void check(int result, std::string_view call) {
    if (result < 0) refuse("libuv", std::string{call} + " (" + uv_strerror(result) + ')');
}

class Loop {
public:
    Loop() { check(uv_loop_init(&loop_), "uv_loop_init"); }
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    // Who used it has closed its handles, so a turn is enough to be told.
    ~Loop() {
        uv_run(&loop_, UV_RUN_NOWAIT);
        uv_loop_close(&loop_);
    }
    uv_loop_t* get() noexcept { return &loop_; }

private:
    uv_loop_t loop_;
};

template <class Handle> void close_handle(Handle& handle, uv_close_cb on_closed = nullptr) {
    uv_close(reinterpret_cast<uv_handle_t*>(&handle), on_closed);
}

class UvWatching final : public Watching {
public:
    explicit UvWatching(TokenRing& ring) : ring_{ring} {}
    ~UvWatching() override { remove(); }

    void add(std::span<const int> fds) override {
        polls_ = std::make_unique<Poll[]>(fds.size());
        for (std::size_t i = 0; i < fds.size(); ++i) {
            Poll& poll = polls_[i];
            poll.place = i;
            poll.handle.data = this;
            check(uv_poll_init(loop_.get(), &poll.handle, fds[i]), "uv_poll_init");
            check(uv_poll_start(&poll.handle, UV_READABLE, on_ready), "uv_poll_start");
        }
        fds_.assign(fds.begin(), fds.end());
    }
    void remove() override {
        for (std::size_t i = 0; i < fds_.size(); ++i) {
            close_handle(polls_[i].handle);
            close(fds_[i]);
        }
        fds_.clear();
    }
    void turn() override { uv_run(loop_.get(), UV_RUN_NOWAIT); }
    void run() override { uv_run(loop_.get(), UV_RUN_DEFAULT); }
    void end() override { uv_stop(loop_.get()); }

private:
    struct Poll {
        uv_poll_t handle;
        std::size_t place;
    };
    static void on_ready(uv_poll_t* handle, int, int) {
        static_cast<UvWatching*>(handle->data)->ring_.ready(reinterpret_cast<Poll*>(handle)->place);
    }

    TokenRing& ring_;
    std::unique_ptr<Poll[]> polls_;
    std::vector<int> fds_;
    Loop loop_;
};

class UvTimers final : public Timers {
public:
    explicit UvTimers(std::size_t count) : timers_(count) {
        for (uv_timer_t& timer : timers_) {
            check(uv_timer_init(loop_.get(), &timer), "uv_timer_init");
            timer.data = this;
        }
    }
    ~UvTimers() override {
        for (uv_timer_t& timer : timers_) close_handle(timer);
    }

    void arm(std::span<const std::chrono::milliseconds> delays) override {
        uv_update_time(loop_.get());
        for (std::size_t i = 0; i < delays.size(); ++i)
            uv_timer_start(&timers_[i], on_due, static_cast<std::uint64_t>(delays[i].count()), 0);
    }
    void cancel(std::span<const std::size_t> order) override {
        for (const std::size_t i : order) uv_timer_stop(&timers_[i]);
    }
    void put_off(std::span<const std::size_t> timers) override {
        uv_update_time(loop_.get());
        for (const std::size_t i : timers) {
            uv_timer_set_repeat(&timers_[i], idle_timeout.count());
            uv_timer_again(&timers_[i]);
        }
        turn();
    }
    void turn() override { uv_run(loop_.get(), UV_RUN_NOWAIT); }
    std::size_t armed() const override {
        std::size_t count = 0;
        for (const uv_timer_t& timer : timers_)
            if (uv_is_active(reinterpret_cast<const uv_handle_t*>(&timer)) != 0) ++count;
        return count;
    }

private:
    static void on_due(uv_timer_t* timer) {
        count_call(static_cast<UvTimers*>(timer->data)->called_);
    }

    std::vector<uv_timer_t> timers_;
    Loop loop_;
};

class UvMailbox final : public Mailbox {
public:
    UvMailbox(Way way, Job job) : carries_{way == Way::queue}, job_{job} {
        check(uv_async_init(loop_.get(), &async_, on_signal), "uv_async_init");
        async_.data = this;
    }
    ~UvMailbox() override { close_handle(async_); }

    void post(std::uint64_t times) override {
        for (; times > 0; --times)
            if (!carries_ || queue_.push(job_)) uv_async_send(&async_);
    }
    void run() override { uv_run(loop_.get(), UV_RUN_DEFAULT); }
    void end() override { uv_stop(loop_.get()); }

private:
    static void on_signal(uv_async_t* async) {
        auto* self = static_cast<UvMailbox*>(async->data);
        self->carries_ ? self->queue_.run_all() : self->job_();
    }

    bool carries_;
    Job job_;
    JobQueue queue_;
    uv_async_t async_;
    Loop loop_;
};

} // namespace

Library library() {
    return {
        .name = "libuv",
        .version = uv_version_string(),
        .watching = [](std::string_view facility, TokenRing& ring) -> std::unique_ptr<Watching> {
            if (facility != "epoll") refuse("libuv", facility);
            return std::make_unique<UvWatching>(ring);
        },
        .timers = [](std::size_t count) -> std::unique_ptr<Timers> {
            return std::make_unique<UvTimers>(count);
        },
        .mailbox = [](Way way, Job job) -> std::unique_ptr<Mailbox> {
            if (way == Way::post) refuse("libuv", "way to carry a job");
            return std::make_unique<UvMailbox>(way, job);
        }};
}

} // namespace peers
