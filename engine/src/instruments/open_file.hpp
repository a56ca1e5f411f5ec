#pragma once

// What a simulated descriptor refers to.

#include <cerrno>
#include <cstdint>
#include <pollux/bytes.hpp>
#include <span>
#include <string>
#include <vector>

namespace pollux::simulated {

class OpenFile;
class World;

/// What a call returns, with errors as the kernel's own functions give them: -EAGAIN.
using Result = std::int64_t;

using Writable = std::span<std::byte>;

/// Somebody who is told when something happens to a file: an entry of an epoll set.
class Watcher {
public:
    Watcher() = default;
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;
    virtual ~Watcher() = default;
    /// `bits` say what, in poll's words; 0: anything may have changed.
    virtual void told(std::uint32_t bits) = 0;
    /// The file is gone.
    virtual void forget() = 0;
};

class OpenFile {
public:
    explicit OpenFile(World& world) : world_{world} {}
    virtual ~OpenFile() = default;
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;

    /// All of what poll(2) would say now.
    virtual std::uint32_t state() = 0;
    /// `flags` as of recv(2) and send(2).
    virtual Result read(Writable /*into*/, int /*flags*/) { return -EINVAL; }
    virtual Result write(ByteView /*bytes*/, int /*flags*/) { return -EINVAL; }
    /// Bytes that could be read now (FIONREAD).
    virtual Result in_queue() const { return -ENOTTY; }
    /// Bytes that were written and are not at the other end yet (TIOCOUTQ).
    virtual Result out_queue() const { return -ENOTTY; }
    /// The last descriptor was closed.
    virtual void release() {}
    /// A signal was raised.
    virtual void was_signalled() {}
    /// False: epoll(7) refuses it, as a regular file.
    virtual bool can_be_watched() const { return true; }
    /// What a wait may report though nothing is there.
    virtual std::uint32_t may_be_spurious() const { return 0; }
    /// "tcp 127.0.0.1:80 listening"
    virtual std::string text() const = 0;

    bool blocks(int flags) const noexcept;
    void wake(std::uint32_t bits);
    void forget_watchers();

    World& world() const noexcept { return world_; }

    bool non_blocking = false;
    int descriptors = 0; // that refer to it
    std::vector<Watcher*> watchers;

private:
    World& world_;
};

} // namespace pollux::simulated
