#pragma once

#include <optional>
#include <pollux/fd.hpp>
#include <pollux/stream/child.hpp>
#include <string_view>
#include <sys/types.h>

#include "process_mark.hpp"

namespace pollux {

/// A process that this one has started and has to wait for, or it stays as a zombie. Does nothing
/// in a process forked from this one.
class ChildProcess {
public:
    /// Throws `std::system_error` when there is no descriptor for it; the process is killed then.
    ChildProcess(pid_t pid, std::string_view program);
    /// Kills it and waits for its end, unless that was noticed.
    ~ChildProcess();
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    /// Whether this is the process that started it.
    bool is_ours() const noexcept { return mark_.is_current(); }
    pid_t pid() const noexcept { return pid_; }
    /// Readable when it has ended; -1 when that was known at once, or after `close`.
    int fd() const noexcept { return fd_.get(); }

    /// False: it has ended. Throws `std::system_error`.
    bool signal(int number);
    /// How it ended; nothing while it runs. The process is gone after that. To be called once.
    std::optional<ExitStatus> take_status() noexcept;
    /// The descriptor is not needed any more. The process has ended.
    void close() noexcept { fd_.reset(); }

private:
    const ProcessMark mark_;
    const pid_t pid_;
    Fd fd_; // pidfd_open(2)
};

} // namespace pollux
