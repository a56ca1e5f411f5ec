#pragma once

#include <cstddef>
#include <memory>
#include <pollux/bytes.hpp>
#include <pollux/coro/descriptor.hpp>
#include <pollux/event_loop.hpp>
#include <pollux/net/io_result.hpp>
#include <pollux/net/socket.hpp>
#include <pollux/timer.hpp>
#include <span>
#include <system_error>
#include <vector>

namespace pollux::coro {

class StreamCore;

/// Made by `Stream::read` and `Stream::read_exactly`.
class [[nodiscard]] Read final : public DescriptorWait {
public:
    IoResult await_resume() {
        done();
        finish();
        return result_;
    }

private:
    friend class Stream;
    Read(StreamCore& stream, std::span<std::byte> into, bool wants_all) noexcept;
    bool start() override;
    void ready(Readiness what) override;
    void abandoned() noexcept override;
    bool read(bool may_be_more);
    StreamCore& stream() const noexcept;

    std::span<std::byte> into_; // what is left of it
    IoResult result_;
    bool wants_all_;
};

/// Made by `Stream::write`.
class [[nodiscard]] Write final : public DescriptorWait {
public:
    IoResult await_resume() {
        done();
        finish();
        return result_;
    }

private:
    friend class Stream;
    Write(StreamCore& stream, ByteView bytes) noexcept;
    bool start() override;
    void ready(Readiness what) override;
    void abandoned() noexcept override;
    bool give_up() noexcept override;
    void put_off() override;
    void keep_bytes();
    enum class Progress : std::uint8_t { done, full, no_memory };
    Progress write();
    void wait_for(Progress progress);
    void go_on(Progress progress);
    StreamCore& stream() const noexcept;

    // What only one that has to wait may need.
    struct Later {
        std::vector<std::byte> kept; // of the loop's scratch
        Timer retry;
    };
    Later& later();

    ByteView bytes_; // what is left of them
    IoResult result_;
    std::unique_ptr<Later> later_;
};

/// A connected stream socket (TCP, Unix) that tasks read and write as if they blocked.
///
///     coro::Task<> echo(coro::Stream client) {
///         for (;;) {
///             const std::span<std::byte> into = client.loop().scratch();
///             const IoResult came = co_await client.read(into);
///             if (came.state != IoState::ok) co_return;
///             const IoResult went = co_await client.write(into.first(came.bytes));
///             if (went.state != IoState::ok) co_return;
///         }
///     }
///
/// One task may read and one write at the same time; a second reader, or writer, throws
/// `std::logic_error`. What a stream is expected to do is a value, never an exception; a task that
/// is asked to stop gets `Cancelled`.
///
/// **Memory.** Bytes are put into `into` only just before the task goes on, so thousands of waiting
/// readers may share the loop's `scratch`, as above: it is the task's until its next `co_await`.
/// What is written must stay as it is until it has left, but that `write` copies what is in the
/// scratch when it has to wait. Nothing else here allocates.
///
/// **System calls** are those of `Connection`: a read waits first unless the one before filled its
/// buffer or an end was announced; a write tries first. Reads and writes that are done at once do
/// not suspend the task, up to 16 in a visit, so that a flood does not keep others waiting.
///
/// Destroying the stream closes the socket at once: call `shutdown_write` and read until the end
/// first where the peer must get all. It is legal while tasks wait: they get an error, EBADF.
class Stream {
public:
    /// Takes a connected socket. Throws as `EventLoop::watch`.
    Stream(EventLoop& loop, Socket socket, Trigger trigger = Trigger::level);
    ~Stream();
    Stream(Stream&&) noexcept = default;
    Stream& operator=(Stream&& other) noexcept;
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    /// Waits until something comes and reads at most `into.size()` bytes: `ok`, `end`, or `error`
    /// with the reason; never `would_block`. A size of zero is `ok` at once.
    Read read(std::span<std::byte> into) noexcept;
    /// Reads until `into` is full: `ok`. When the stream ends or fails before, `end` or `error`,
    /// with `bytes` saying how many came. Not into the loop's `scratch`: the first bytes lie there
    /// while it waits for the others.
    Read read_exactly(std::span<std::byte> into) noexcept;
    /// Writes all of `bytes`, which must stay as they are meanwhile: `ok` or `error`. `bytes` of
    /// the result says how many the kernel took.
    Write write(ByteView bytes) noexcept;

    /// Waits as `Descriptor::readable` and `writable` do.
    BecomesReady readable() noexcept;
    BecomesReady writable() noexcept;

    /// For its options and addresses, and calls that are not awaited. It stays the stream's.
    Socket& socket() noexcept;
    EventLoop& loop() const noexcept { return *loop_; }
    /// Tells the peer that nothing more comes, after what was written; as `Socket`.
    std::error_code shutdown_write() noexcept { return socket().shutdown_write(); }

private:
    EventLoop* loop_;
    std::shared_ptr<StreamCore> core_;
};

} // namespace pollux::coro
