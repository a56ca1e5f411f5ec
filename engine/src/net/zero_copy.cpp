#include "net/zero_copy.hpp"

#include <cerrno>

#include "sys.hpp"
#include "without_pipe_signal.hpp"

namespace pollux {
namespace {

// A call that moves nothing has come to the end of what it moves from.
template <class Call> IoResult moved_by(Call call) noexcept {
    for (;;) {
        errno = 0;
        const ssize_t count = call();
        if (count > 0)
            return {.bytes = static_cast<std::size_t>(count), .state = IoState::ok, .error = 0};
        if (count == 0) return {.bytes = 0, .state = IoState::end, .error = 0};
        if (errno == EAGAIN) return {.bytes = 0, .state = IoState::would_block, .error = 0};
        if (errno != EINTR) return {.bytes = 0, .state = IoState::error, .error = errno};
    }
}

IoResult spliced(int from, int to, std::size_t most) noexcept {
    return moved_by([&] {
        return sys::splice(from, nullptr, to, nullptr, most, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    });
}

} // namespace

IoResult send_from_file(int socket, int file, std::uint64_t offset, std::size_t count) noexcept {
    const WithoutPipeSignal quiet;
    return moved_by([&] {
        auto from = static_cast<off_t>(offset);
        return sys::sendfile(socket, file, &from, count);
    });
}

IoResult splice_from_socket(int socket, int pipe, std::size_t most) noexcept {
    return spliced(socket, pipe, most);
}

IoResult splice_to_socket(int pipe, int socket, std::size_t most) noexcept {
    const WithoutPipeSignal quiet;
    return spliced(pipe, socket, most);
}

} // namespace pollux
