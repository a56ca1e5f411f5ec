// Asio without Boost, as its manual (think-async.com) says: "reactor-style operations" (async_wait)
// where somebody else reads, a concurrency hint that says which locks are not needed, a work guard
// to keep the io_context running; a timer is put off by `expires_after`, which cancels the wait
// that is under way, and waited for again.

#include <asio.hpp>
#include <unistd.h>
#include <vector>

#include "peers/peer.hpp"

namespace peers {

namespace {

class Loop {
public:
    explicit Loop(int concurrency_hint) : io_{concurrency_hint} {}
    asio::io_context& get() noexcept { return io_; }
    void turn() {
        io_.restart();
        io_.poll();
    }
    void run() {
        io_.restart();
        io_.run();
    }
    void end() { io_.stop(); }

private:
    asio::io_context io_;
    asio::executor_work_guard<asio::io_context::executor_type> guard_{io_.get_executor()};
};

class AsioWatching final : public Watching {
public:
    explicit AsioWatching(TokenRing& ring) : ring_{ring} {}

    void add(std::span<const int> fds) override {
        descriptors_.reserve(fds.size());
        for (std::size_t i = 0; i < fds.size(); ++i) {
            descriptors_.emplace_back(loop_.get(), fds[i]);
            wait(i);
        }
    }
    // Closing takes a descriptor out of the kernel's set, and calls who waits with an error.
    void remove() override { descriptors_.clear(); }
    void turn() override { loop_.turn(); }
    void run() override { loop_.run(); }
    void end() override { loop_.end(); }

private:
    void wait(std::size_t place) {
        descriptors_[place].async_wait(asio::posix::descriptor_base::wait_read,
                                       [this, place](const asio::error_code& error) {
                                           if (error) return;
                                           ring_.ready(place);
                                           wait(place);
                                       });
    }

    TokenRing& ring_;
    Loop loop_{ASIO_CONCURRENCY_HINT_UNSAFE};
    std::vector<asio::posix::stream_descriptor> descriptors_;
};

class AsioTimers final : public Timers {
public:
    explicit AsioTimers(std::size_t count) {
        timers_.reserve(count);
        for (std::size_t i = 0; i < count; ++i) timers_.emplace_back(loop_.get());
    }

    // Who was cancelled is told in the turn, which belongs to what cancelling costs.
    void arm(std::span<const std::chrono::milliseconds> delays) override {
        for (std::size_t i = 0; i < delays.size(); ++i) arm(timers_[i], delays[i]);
    }
    void cancel(std::span<const std::size_t> order) override {
        for (const std::size_t i : order) timers_[i].cancel();
        turn();
    }
    void put_off(std::span<const std::size_t> timers) override {
        for (const std::size_t i : timers) arm(timers_[i], idle_timeout);
        turn();
    }
    void turn() override { loop_.turn(); }
    std::size_t armed() const override { return waits_; }

private:
    void arm(asio::steady_timer& timer, std::chrono::milliseconds delay) {
        timer.expires_after(delay);
        ++waits_;
        timer.async_wait([this](const asio::error_code& error) {
            --waits_;
            if (!error) count_call(called_);
        });
    }

    std::size_t waits_ = 0;
    Loop loop_{ASIO_CONCURRENCY_HINT_UNSAFE};
    std::vector<asio::steady_timer> timers_;
};

class AsioMailbox final : public Mailbox {
public:
    explicit AsioMailbox(Job job) : job_{job} {}

    void post(std::uint64_t times) override {
        for (; times > 0; --times) asio::post(loop_.get(), [this] { job_(); });
    }
    void run() override { loop_.run(); }
    void end() override { loop_.end(); }

private:
    Job job_;
    Loop loop_{1};
};

} // namespace

Library library() {
    return {
        .name = "asio",
        .version = std::to_string(ASIO_VERSION / 100'000) + '.' +
                   std::to_string(ASIO_VERSION / 100 % 1000) + '.' +
                   std::to_string(ASIO_VERSION % 100),
        .watching = [](std::string_view facility, TokenRing& ring) -> std::unique_ptr<Watching> {
            if (facility != "epoll") refuse("asio", facility);
            return std::make_unique<AsioWatching>(ring);
        },
        .timers = [](std::size_t count) -> std::unique_ptr<Timers> {
            return std::make_unique<AsioTimers>(count);
        },
        .mailbox = [](Way way, Job job) -> std::unique_ptr<Mailbox> {
            if (way != Way::post) refuse("asio", "that way to post");
            return std::make_unique<AsioMailbox>(job);
        }};
}

} // namespace peers
