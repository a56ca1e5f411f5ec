#include "echo_uring_ring.hpp"

#include <array>
#include <cerrno>
#include <pollux/error.hpp>
#include <sys/mman.h>

namespace echo {
namespace {

constexpr unsigned submissions = 1024;
constexpr unsigned completions = 8192;

// The first set of flags that this kernel knows: what io_uring_setup(2) advises for a ring that one
// thread submits to and waits on.
void open_ring(io_uring& ring) {
    int result = -EINVAL;
    for (const unsigned flags :
         {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, IORING_SETUP_COOP_TASKRUN, 0U}) {
        io_uring_params parameters{};
        parameters.flags = flags | IORING_SETUP_CQSIZE;
        parameters.cq_entries = completions;
        result = io_uring_queue_init_params(submissions, &ring, &parameters);
        if (result != -EINVAL) break;
    }
    if (result < 0) pollux::throw_system_error(-result, "io_uring_queue_init_params");
    io_uring_register_ring_fd(&ring); // saves a look-up in each call; goes without saying
}

} // namespace

Ring::Ring(std::size_t buffer_size)
    : buffer_size_(buffer_size),
      memory_(std::make_unique_for_overwrite<char[]>(buffer_count * buffer_size)) {
    open_ring(ring_);
    constexpr std::size_t size = buffer_count * sizeof(io_uring_buf);
    void* const pages =
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) pollux::throw_system_error(errno, "mmap");
    offered_ = static_cast<io_uring_buf_ring*>(pages);
    io_uring_buf_ring_init(offered_);
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uint64_t>(pages);
    registration.ring_entries = buffer_count;
    registration.bgid = group;
    const int result = io_uring_register_buf_ring(&ring_, &registration, 0);
    if (result < 0) pollux::throw_system_error(-result, "io_uring_register_buf_ring");
    for (unsigned i = 0; i < buffer_count; ++i) give_back(static_cast<std::uint16_t>(i));
}

Ring::~Ring() {
    io_uring_queue_exit(&ring_);
    munmap(offered_, buffer_count * sizeof(io_uring_buf));
}

io_uring_sqe* Ring::next(std::uint64_t mark) {
    io_uring_sqe* place = io_uring_get_sqe(&ring_);
    while (place == nullptr) {
        const int result = io_uring_submit(&ring_);
        if (result < 0 && result != -EINTR) pollux::throw_system_error(-result, "io_uring_submit");
        place = io_uring_get_sqe(&ring_);
    }
    place->user_data = mark;
    return place;
}

void Ring::submit_and_wait(unsigned count) {
    const int result = io_uring_submit_and_wait(&ring_, count);
    if (result < 0 && result != -EINTR)
        pollux::throw_system_error(-result, "io_uring_submit_and_wait");
}

void Ring::take_completions(std::vector<io_uring_cqe>& taken) {
    taken.clear();
    std::array<io_uring_cqe*, 64> found{};
    unsigned count = 0;
    do {
        count = io_uring_peek_batch_cqe(&ring_, found.data(), found.size());
        for (unsigned i = 0; i < count; ++i) taken.push_back(*found[i]);
        io_uring_cq_advance(&ring_, count);
    } while (count == found.size());
}

char* Ring::bytes(std::uint16_t buffer) noexcept { return memory_.get() + buffer * buffer_size_; }

void Ring::give_back(std::uint16_t buffer) noexcept {
    io_uring_buf_ring_add(offered_, bytes(buffer), static_cast<unsigned>(buffer_size_), buffer,
                          io_uring_buf_ring_mask(buffer_count), 0);
    io_uring_buf_ring_advance(offered_, 1);
}

} // namespace echo
