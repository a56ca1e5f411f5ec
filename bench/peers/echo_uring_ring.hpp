#pragma once

#include <cstddef>
#include <cstdint>
#include <liburing.h>
#include <memory>
#include <vector>

namespace echo {

/// An io_uring with a pool of buffers that the kernel takes from as bytes arrive.
class Ring {
public:
    /// Throws `std::system_error`; ENOSYS and EPERM where io_uring is not allowed, EINVAL where the
    /// kernel is too old for such a pool (before Linux 5.19).
    explicit Ring(std::size_t buffer_size);
    ~Ring();
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;

    /// A place in the submission queue; makes room by submitting what is in it.
    /// Throws `std::system_error`.
    io_uring_sqe* next(std::uint64_t mark);
    /// Submits, and waits until so many completions are there.
    void submit_and_wait(unsigned count);
    /// Moves those that are there into `taken`, in place of what was in it.
    void take_completions(std::vector<io_uring_cqe>& taken);

    static constexpr int group = 1; ///< The pool's, for requests that take from it.
    /// The buffer that a completion brings, which is the caller's until it is given back.
    static std::uint16_t buffer_of(const io_uring_cqe& completion) noexcept {
        return static_cast<std::uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
    }
    char* bytes(std::uint16_t buffer) noexcept;
    void give_back(std::uint16_t buffer) noexcept;

private:
    static constexpr unsigned buffer_count = 256;

    std::size_t buffer_size_;
    io_uring ring_{};
    io_uring_buf_ring* offered_ = nullptr;
    std::unique_ptr<char[]> memory_;
};

} // namespace echo
