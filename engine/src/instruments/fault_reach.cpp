#include "instruments/fault_reach.hpp"

#include <cerrno>

#include "sys.hpp"

namespace pollux {

bool can_be_short(Call call) noexcept {
    switch (call) {
    case Call::read:
    case Call::write:
    case Call::recv:
    case Call::send:
    case Call::recvmsg:
    case Call::sendmsg:
    case Call::sendfile:
    case Call::splice:
        return true;
    default:
        return is_batch(call);
    }
}

bool is_batch(Call call) noexcept { return call == Call::recvmmsg || call == Call::sendmmsg; }

bool is_byte_stream(int fd) noexcept {
    struct stat status {};
    if (::fstat(fd, &status) != 0) return false;
    if (!S_ISSOCK(status.st_mode)) return (status.st_mode & S_IFMT) != 0;
    int type = 0;
    socklen_t size = sizeof type;
    return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

bool can_fail(const AskedCall& call) noexcept {
    switch (call.call) {
    case Call::epoll_ctl:
        return call.command == EPOLL_CTL_ADD;
    case Call::fcntl:
        return call.command == F_DUPFD || call.command == F_DUPFD_CLOEXEC;
    case Call::read:
    case Call::write:
        return is_byte_stream(call.fd);
    default:
        return true;
    }
}

bool fails_when_made(Call call, int error) noexcept {
    return call == Call::close || (call == Call::waitid && error == ECHILD) ||
           (call == Call::connect && (error == EINTR || error == EINPROGRESS));
}

} // namespace pollux
