#pragma once

#include <cstdint>
#include <memory>
#include <pollux/coro/wait.hpp>
#include <pollux/event_loop.hpp>
#include <pollux/reactor.hpp>

namespace pollux::coro {

class DescriptorCore;

/// What waits for one direction of a descriptor: the base of all such waits.
class DescriptorWait : public Wait {
protected:
    enum class Direction : std::uint8_t { read, write };

    DescriptorWait(DescriptorCore& core, Direction direction) noexcept
        : core_{&core}, direction_{direction} {}
    ~DescriptorWait() override { done(); }

    /// Its direction is ready, or was said to be. It calls `done` and `resume`, or waits on.
    virtual void ready(Readiness what) = 0;
    /// The descriptor is given up while this waits; `resume_later` follows.
    virtual void abandoned() noexcept = 0;

    /// Lets go of the descriptor: it may be destroyed while this is still there. Before the task
    /// goes on, at the latest in `await_resume`.
    void done() noexcept {
        if (core_ != nullptr) leave();
    }
    bool give_up() noexcept override;
    void put_off() override;
    DescriptorCore* core() const noexcept { return core_; }
    Direction direction() const noexcept { return direction_; }

private:
    friend class DescriptorCore;
    void leave() noexcept;

    DescriptorCore* core_; // null: it waits no more
    Direction direction_;
};

/// Made by `readable` and `writable` of `Descriptor`.
class [[nodiscard]] BecomesReady final : public DescriptorWait {
public:
    Readiness await_resume() {
        done();
        finish();
        return ready_;
    }

private:
    friend class Descriptor;
    friend class Stream;
    using DescriptorWait::DescriptorWait;
    bool start() override;
    void ready(Readiness what) override;
    void abandoned() noexcept override;

    Readiness ready_ = Readiness::none;
};

/// A descriptor that tasks wait for: whatever the kernel can wait for, and regular files, which are
/// always ready. For sockets there is `Stream`.
///
///     coro::Descriptor input{loop, STDIN_FILENO};
///     co_await input.readable();
///     const ssize_t count = ::read(input.fd(), buffer, sizeof buffer);
///
/// Reading and writing may be awaited at once, each by one task; a second one throws
/// `std::logic_error`.
///
/// At every trigger the answer is that of level: what is ready and was not read is told again. It
/// costs no system call to wait again at level, and one at edge and one-shot. Being readable stays
/// asked for between two waits. When there is input and nobody waits, that is remembered for the
/// next wait, which may then be told of what was read meanwhile; when it goes on, asking is given
/// up until somebody waits again.
///
/// The descriptor stays the caller's and must outlive this object. Destroying this while a task
/// waits, in the task that was resumed too, is legal: whoever waits gets `std::system_error` EBADF.
class Descriptor {
public:
    /// Throws as `EventLoop::watch`.
    Descriptor(EventLoop& loop, int fd, Trigger trigger = Trigger::level);
    ~Descriptor();
    Descriptor(Descriptor&&) noexcept = default;
    Descriptor& operator=(Descriptor&& other) noexcept;
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    /// Waits until a read will not block. Gives what was found, hints of hang-up and error
    /// included.
    BecomesReady readable() const noexcept;
    /// Waits until a write will not block.
    BecomesReady writable() const noexcept;

    int fd() const noexcept;

private:
    std::shared_ptr<DescriptorCore> core_;
};

} // namespace pollux::coro
