// liburing, as its manual pages say: poll requests that end with their event and are asked for
// again (io_uring_prep_poll_add(3)), many in one call (io_uring_submit_and_wait(3)), completions
// taken in a batch (io_uring_for_each_cqe(3)); one thread submits and runs what the kernel puts off
// (io_uring_setup(2), IORING_SETUP_DEFER_TASKRUN), where it can. A poll request that lives on
// (multishot) tells changes only, so it is no match for level-triggered loops. io_uring is made for
// completions; being asked for readiness is not what it does best.

#include <algorithm>
#include <bit>
#include <cstring>
#include <liburing.h>
#include <poll.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "peers/peer.hpp"

namespace peers {

namespace {

constexpr unsigned most_entries = 4096;

class Ring {
public:
    explicit Ring(std::size_t watched) {
        const auto entries = static_cast<unsigned>(std::bit_ceil(watched));
        const unsigned size = std::clamp(entries, 64U, most_entries);
        int result = io_uring_queue_init(size, &ring_,
                                         IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
        if (result == -EINVAL) result = io_uring_queue_init(size, &ring_, 0); // before Linux 6.1
        if (result < 0) refuse("liburing", std::string{"ring ("} + std::strerror(-result) + ')');
        io_uring_register_ring_fd(&ring_); // saves a look-up in each call; goes without saying
    }
    ~Ring() { io_uring_queue_exit(&ring_); }
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;
    io_uring* get() noexcept { return &ring_; }

    io_uring_sqe* entry() {
        io_uring_sqe* free = io_uring_get_sqe(&ring_);
        if (free == nullptr) {
            io_uring_submit(&ring_);
            free = io_uring_get_sqe(&ring_);
        }
        return free;
    }

private:
    io_uring ring_;
};

class UringWatching final : public Watching {
public:
    explicit UringWatching(TokenRing& tokens) : tokens_{tokens}, ring_{tokens.size()} {}

    void add(std::span<const int> fds) override {
        fds_.assign(fds.begin(), fds.end());
        for (std::size_t i = 0; i < fds_.size(); ++i) ask(i);
    }
    // Closing does not end a request: it has the file.
    void remove() override {
        for (std::size_t i = 0; i < fds_.size(); ++i) {
            io_uring_sqe* entry = ring_.entry();
            io_uring_prep_poll_remove(entry, i);
            io_uring_sqe_set_data64(entry, removal);
        }
        removing_ = fds_.size();
        while (waiting_ > 0 || removing_ > 0) wait();
        for (const int fd : std::exchange(fds_, {})) close(fd);
    }
    void turn() override {
        io_uring_submit(ring_.get());
        take();
    }
    void run() override {
        for (ended_ = false; !ended_;) wait();
    }
    void end() override { ended_ = true; }

private:
    static constexpr std::uint64_t removal = ~std::uint64_t{0};

    void ask(std::size_t place) {
        io_uring_sqe* entry = ring_.entry();
        io_uring_prep_poll_add(entry, fds_[place], POLLIN);
        io_uring_sqe_set_data64(entry, place);
        ++waiting_;
    }

    void wait() {
        io_uring_submit_and_wait(ring_.get(), 1);
        take();
    }

    void take() {
        io_uring_cqe* each;
        unsigned head, count = 0;
        io_uring_for_each_cqe(ring_.get(), head, each) {
            ++count;
            if (each->user_data == removal)
                --removing_;
            else
                complete(each->user_data, each->res);
        }
        io_uring_cq_advance(ring_.get(), count);
    }

    void complete(std::size_t place, int result) {
        --waiting_;
        if (result < 0) return; // removed
        tokens_.ready(place);
        if (removing_ == 0) ask(place);
    }

    TokenRing& tokens_;
    Ring ring_;
    std::vector<int> fds_;
    std::size_t waiting_ = 0, removing_ = 0;
    bool ended_ = false;
};

} // namespace

Library library() {
    return {
        .name = "liburing",
        .version = LIBURING_VERSION,
        .watching = [](std::string_view facility, TokenRing& ring) -> std::unique_ptr<Watching> {
            if (facility != "io_uring") refuse("liburing", facility);
            return std::make_unique<UringWatching>(ring);
        },
        .timers = nullptr,
        .mailbox = nullptr};
}

} // namespace peers
