#include "echo_conversation.hpp"

#include "work.hpp"

#include <cerrno>
#include <pollux/error.hpp>
#include <sys/socket.h>

namespace echo {

Conversation::Next Conversation::receive(int fd, const Service& service, Reading reading) {
    for (;;) {
        const ssize_t got = recv(fd, service.buffer.get(), service.read_size, 0);
        if (got == 0) return Next::end;
        if (got < 0) return errno == EAGAIN ? Next::read : Next::end;
        bench::burn(service.work);

        const ssize_t sent = service.discards ? got
                                              : send(fd, service.buffer.get(),
                                                     static_cast<std::size_t>(got), MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) return Next::end;
        if (sent < got) {
            waiting_.assign(service.buffer.get() + (sent < 0 ? 0 : sent),
                            service.buffer.get() + got);
            return Next::write;
        }
        if (reading == Reading::once) return Next::read;
        if (reading == Reading::until_short && static_cast<std::size_t>(got) < service.read_size)
            return Next::read;
    }
}

Conversation::Next Conversation::flush(int fd) {
    const ssize_t sent = send(fd, waiting_.data(), waiting_.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN ? Next::write : Next::end;
    if (static_cast<std::size_t>(sent) < waiting_.size()) {
        waiting_.erase(waiting_.begin(), waiting_.begin() + sent);
        return Next::write;
    }
    waiting_ = {};
    return Next::read;
}

int accept_client(int listener) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
        pollux::throw_system_error(errno, "accept4");
    return fd;
}

} // namespace echo
