#if __has_include(<linux/io_uring.h>)
#include <linux/io_uring.h>
#endif

#ifdef IORING_SETUP_COOP_TASKRUN // headers of Linux 5.19

#include "io_uring_ring.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <pollux/error.hpp>

#include "sys.hpp"
#include "timespec.hpp"

namespace pollux {
namespace {

// So many requests go with one system call: 16 KiB for them. Several times as many completions have
// room, because they arrive on their own as well; what does not fit, the kernel keeps (has_more).
constexpr unsigned requests = 256;
constexpr unsigned completions = 2048;

// What nobody waits for.
constexpr auto nobodys = ~std::uint64_t{0};

// SUBMIT_ALL: a bad descriptor fails by itself, not with what stands behind it. COOP_TASKRUN: what
// completes while this thread computes waits for its next system call, and does not interrupt it.
// Not SINGLE_ISSUER: a loop may be made in one thread and run in another.
io_uring_params parameters() noexcept {
    io_uring_params wanted{};
    wanted.flags = IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_CQSIZE;
    wanted.cq_entries = completions;
    return wanted;
}

// The word lies over one of 16 bits from older kernels, so big-endian ones want its halves
// exchanged (io_uring_enter(2), IORING_OP_POLL_ADD).
constexpr std::uint32_t in_kernel_order(std::uint32_t bits) noexcept {
    return std::endian::native == std::endian::little ? bits : std::rotl(bits, 16);
}

std::size_t size_of_queues(const io_uring_params& made) noexcept {
    return std::max(made.sq_off.array + made.sq_entries * sizeof(unsigned),
                    made.cq_off.cqes + made.cq_entries * sizeof(io_uring_cqe));
}

} // namespace

IoUringRing::Mapping::Mapping(int ring, std::size_t size, off_t part)
    : start_{sys::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring,
                       part)},
      size_{size} {
    if (start_ == MAP_FAILED) throw_system_error(errno, "mmap", "io_uring");
}

IoUringRing::Mapping::~Mapping() { sys::munmap(start_, size_); }

IoUringRing::IoUringRing()
    : parameters_{parameters()},
      ring_{check(sys::io_uring_setup(requests, &parameters_), "io_uring_setup")},
      queues_{ring_.get(), size_of_queues(parameters_), IORING_OFF_SQ_RING},
      requests_{ring_.get(), parameters_.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES},
      entries_{parameters_.sq_entries},
      completions_mask_{parameters_.cq_entries - 1},
      requests_start_{queues_.at<unsigned>(parameters_.sq_off.head)},
      requests_end_{queues_.at<unsigned>(parameters_.sq_off.tail)},
      flags_{queues_.at<unsigned>(parameters_.sq_off.flags)},
      completions_start_{queues_.at<unsigned>(parameters_.cq_off.head)},
      completions_end_{queues_.at<unsigned>(parameters_.cq_off.tail)},
      completions_{queues_.at<io_uring_cqe>(parameters_.cq_off.cqes)} {
    // The kernel takes requests in the order of this list, which is that of their places.
    auto* const order = queues_.at<unsigned>(parameters_.sq_off.array);
    for (unsigned place = 0; place < entries_; ++place) order[place] = place;
}

void IoUringRing::ask(const io_uring_sqe& request) noexcept {
    requests_.at<io_uring_sqe>(0)[requested_ & (entries_ - 1)] = request;
    store(requests_end_, ++requested_);
}

void IoUringRing::poll(int fd, std::uint32_t bits, bool repeats, std::uint64_t mark) noexcept {
    io_uring_sqe request{};
    request.opcode = IORING_OP_POLL_ADD;
    request.fd = fd;
    request.poll32_events = in_kernel_order(bits);
    request.len = repeats ? IORING_POLL_ADD_MULTI : 0;
    request.user_data = mark;
    ask(request);
}

void IoUringRing::cancel(std::uint64_t mark) noexcept {
    io_uring_sqe request{};
    // Not IORING_OP_POLL_REMOVE: that is refused (EALREADY) while the request looks whether a
    // wake-up was for it, and if it was not, the request would stay.
    request.opcode = IORING_OP_ASYNC_CANCEL;
    request.flags = IOSQE_CQE_SKIP_SUCCESS;
    request.addr = mark;
    request.user_data = nobodys;
    ask(request);
}

int IoUringRing::enter(unsigned least, Timeout timeout) noexcept {
    const timespec exact = to_timespec(timeout);
    const __kernel_timespec time{.tv_sec = exact.tv_sec, .tv_nsec = exact.tv_nsec};
    io_uring_getevents_arg limit{};
    if (timeout != forever) limit.ts = reinterpret_cast<std::uintptr_t>(&time);
    return sys::io_uring_enter(ring_.get(), waiting(), least,
                               IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &limit, sizeof limit);
}

} // namespace pollux

#endif
