#pragma once

// Descriptors that are no sockets: pipes, counters, signals, and what is real.

#include <array>
#include <csignal>
#include <deque>
#include <string>

#include "instruments/world.hpp"
#include "sys_kernel.hpp"

namespace pollux::simulated {

/// What lies in a pipe: pages, as in Linux' fs/pipe.c, which decide when it is full.
struct PipePages {
    static constexpr std::size_t most = 16;
    static constexpr std::size_t size = 4096;
    struct Page {
        std::string bytes;
        std::size_t filled = 0; // from its beginning, what was read included
    };

    bool is_full() const noexcept { return pages.size() >= most; }
    std::size_t count() const noexcept;
    std::size_t put(std::string_view bytes);
    std::string_view front() const noexcept { return pages.front().bytes; }
    void drop(std::size_t count);

    std::deque<Page> pages;
};

class PipeEnd final : public OpenFile {
public:
    PipeEnd(World& world, bool writes) : OpenFile{world}, writes_{writes} {}
    static void join(PipeEnd& reader, PipeEnd& writer);

    std::uint32_t state() override;
    Result read(Writable into, int flags) override;
    Result write(ByteView bytes, int flags) override;
    Result in_queue() const override { return static_cast<Result>(pages_->count()); }
    void release() override;
    std::string text() const override { return writes_ ? "pipe, writing" : "pipe, reading"; }

private:
    bool writes_;
    bool gone_ = false;
    PipeEnd* other_ = nullptr;
    std::shared_ptr<PipePages> pages_;
};

/// eventfd(2)
class Counter final : public OpenFile {
public:
    Counter(World& world, std::uint64_t initial) : OpenFile{world}, count_{initial} {}
    std::uint32_t state() override;
    Result read(Writable into, int flags) override;
    Result write(ByteView bytes, int flags) override;
    std::uint32_t may_be_spurious() const override;
    std::string text() const override { return "eventfd"; }

private:
    std::uint64_t count_;
};

/// signalfd(2): the signals that the simulation raised and nobody read.
class SignalFile final : public OpenFile {
public:
    SignalFile(World& world, const sigset_t& mask) : OpenFile{world}, mask_{mask} {}
    void set(const sigset_t& mask) { mask_ = mask; }
    std::uint32_t state() override;
    Result read(Writable into, int flags) override;
    void was_signalled() override { wake(state()); }
    std::string text() const override { return "signalfd"; }

private:
    int pending() const;
    sigset_t mask_;
};

/// A descriptor of the real kernel: what was opened by name, and what the program brought along.
/// Always ready, as a regular file is.
class RealFile final : public OpenFile {
public:
    RealFile(World& world, int fd, bool owned) : OpenFile{world}, fd_{fd}, owned_{owned} {}
    ~RealFile() override { RealFile::release(); }
    int fd() const noexcept { return fd_; }
    std::uint32_t state() override;
    Result read(Writable into, int flags) override;
    Result write(ByteView bytes, int flags) override;
    bool can_be_watched() const override { return false; }
    void release() override;
    std::string text() const override { return "file"; }

private:
    int fd_;
    bool owned_;
};

} // namespace pollux::simulated
