#include "stream/child_process.hpp"

#include <cerrno>
#include <pollux/error.hpp>
#include <string>

#include "sys.hpp"

namespace pollux {
namespace {

// Gives whether there is nothing more to wait for; what was found has no pid while it runs.
bool wait_for(idtype_t kind, id_t id, int options, siginfo_t& found) noexcept {
    for (;;) {
        found = {};
        if (sys::waitid(kind, id, &found, WEXITED | options) == 0) return found.si_pid != 0;
        if (errno != EINTR) return true; // ECHILD
    }
}

// `killed` is what the call answered that should have killed it. One that was not may live on for
// long: it runs as somebody else by now, or a filter of system calls stands before the call.
void wait_for_killed(int killed, idtype_t kind, id_t id) noexcept {
    siginfo_t found{};
    wait_for(kind, id, killed < 0 ? WNOHANG : 0, found);
}

ExitStatus status_of(const siginfo_t& found) noexcept {
    using How = ExitStatus::How;
    switch (found.si_code) {
    case CLD_EXITED:
        return {.how = How::exited, .code = static_cast<std::uint8_t>(found.si_status)};
    case CLD_KILLED:
        return {.how = How::killed, .signal = found.si_status};
    case CLD_DUMPED:
        return {.how = How::killed, .signal = found.si_status, .dumped_core = true};
    default:
        return {};
    }
}

} // namespace

// Nobody but us can wait for it, so the number is still its own; unless SIGCHLD is ignored: then it
// may be gone, which is ESRCH.
ChildProcess::ChildProcess(pid_t pid, std::string_view program)
    : pid_{pid}, fd_{sys::pidfd_open(pid, 0)} {
    if (fd_ || errno == ESRCH) return;
    const int error = errno;
    wait_for_killed(sys::kill(pid, SIGKILL), P_PID, static_cast<id_t>(pid));
    throw_system_error(error, "pidfd_open", program);
}

ChildProcess::~ChildProcess() {
    if (!fd_ || !is_ours()) return;
    const int killed = sys::pidfd_send_signal(fd_.get(), SIGKILL, nullptr, 0);
    wait_for_killed(killed, P_PIDFD, static_cast<id_t>(fd_.get()));
}

bool ChildProcess::signal(int number) {
    if (!fd_ || !is_ours()) return false;
    const int result = sys::pidfd_send_signal(fd_.get(), number, nullptr, 0);
    if (result < 0 && errno == ESRCH) return false;
    check(result, "pidfd_send_signal", std::to_string(pid_));
    return true;
}

std::optional<ExitStatus> ChildProcess::take_status() noexcept {
    if (!fd_) return ExitStatus{};
    siginfo_t found{};
    if (!wait_for(P_PIDFD, static_cast<id_t>(fd_.get()), WNOHANG, found)) return std::nullopt;
    return status_of(found);
}

} // namespace pollux
