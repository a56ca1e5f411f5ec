#pragma once

#include <utility>

namespace pollux {

/// An owned file descriptor: closed once, when the owner goes.
///
/// Close is never repeated: Linux frees the number even when close(2) reports EINTR, and another
/// thread may have received the number since. Errors of close are not reported.
class Fd {
public:
    /// Owns nothing.
    constexpr Fd() noexcept = default;

    /// Takes ownership of `fd`; a negative number owns nothing.
    explicit constexpr Fd(int fd) noexcept : fd_(fd < 0 ? none : fd) {}

    Fd(Fd&& other) noexcept : fd_(other.release()) {}
    Fd& operator=(Fd&& other) noexcept {
        if (this != &other) reset(other.release());
        return *this;
    }
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    ~Fd() { reset(); }

    /// The number, or -1 when nothing is owned. Ownership stays here.
    int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ != none; }

    /// Gives ownership to the caller, who must close the returned number.
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, none); }

    /// Closes what is owned, if anything, and takes ownership of `fd`.
    void reset(int fd = none) noexcept;

private:
    static constexpr int none = -1;
    int fd_ = none;
};

} // namespace pollux
