#include <algorithm>
#include <cstring>

#include "instruments/simulated_kernel.hpp"

namespace pollux::simulated {
namespace {

template <class Result> Writable writable(void* buffer, Result size) {
    return {static_cast<std::byte*>(buffer), size};
}
ByteView view(const void* buffer, std::size_t size) {
    return {static_cast<const std::byte*>(buffer), size};
}

Result or_error(Result result) { return result < 0 ? -errno : result; }

} // namespace

Result SimulatedKernel::finish(const char* name, int fd, Result result) noexcept {
    world_.record(name, fd, result);
    if (result >= 0) return result;
    errno = static_cast<int>(-result);
    return -1;
}

Result SimulatedKernel::open_file(OpenFile& file, bool non_blocking) {
    file.non_blocking = non_blocking;
    return world_.open(file);
}

int SimulatedKernel::close(int fd) noexcept {
    if (!world_.is_ours(fd)) return Kernel::close(fd);
    return static_cast<int>(call("close", fd, [&] { return world_.close(fd); }));
}

int SimulatedKernel::fcntl(int fd, int command, int argument) noexcept {
    if (!world_.is_ours(fd)) return Kernel::fcntl(fd, command, argument);
    return static_cast<int>(on_file("fcntl", fd, [&](OpenFile& file) -> Result {
        switch (command) {
        case F_GETFD:
            return FD_CLOEXEC;
        case F_SETFD:
            return 0;
        case F_GETFL:
            return O_RDWR | (file.non_blocking ? O_NONBLOCK : 0);
        case F_SETFL:
            file.non_blocking = (argument & O_NONBLOCK) != 0;
            return 0;
        case F_DUPFD:
        case F_DUPFD_CLOEXEC:
            return world_.open(file, argument);
        default:
            return -EINVAL;
        }
    }));
}

int SimulatedKernel::open(const char* path, int flags) noexcept {
    return static_cast<int>(call("open", -1, [&]() -> Result {
        const int fd = Kernel::open(path, flags);
        if (fd < 0) return -errno;
        auto& file = world_.make<RealFile>(fd, true);
        const Result opened = open_file(file, (flags & O_NONBLOCK) != 0);
        if (opened < 0) file.release();
        return opened;
    }));
}

int SimulatedKernel::fchmod(int fd, mode_t mode) noexcept {
    if (!world_.is_ours(fd)) return Kernel::fchmod(fd, mode);
    return static_cast<int>(on_file("fchmod", fd, [&](OpenFile& file) -> Result {
        auto* const real = dynamic_cast<RealFile*>(&file);
        return real == nullptr ? 0 : or_error(Kernel::fchmod(real->fd(), mode));
    }));
}

int SimulatedKernel::lstat(const char* path, struct stat* status) noexcept {
    if (!world_.network.has_path(path)) return Kernel::lstat(path, status);
    return static_cast<int>(call("lstat", -1, [&]() -> Result {
        *status = {};
        status->st_mode = S_IFSOCK | 0777U;
        return 0;
    }));
}

int SimulatedKernel::unlink(const char* path) noexcept {
    if (!world_.network.has_path(path)) return Kernel::unlink(path);
    return static_cast<int>(call("unlink", -1, [&]() -> Result {
        world_.network.unlink(path);
        return 0;
    }));
}

int SimulatedKernel::eventfd(unsigned initial, int flags) noexcept {
    return static_cast<int>(call("eventfd", -1, [&] {
        return open_file(world_.make<Counter>(initial), (flags & EFD_NONBLOCK) != 0);
    }));
}

int SimulatedKernel::signalfd(int fd, const sigset_t* mask, int flags) noexcept {
    return static_cast<int>(call("signalfd", fd, [&]() -> Result {
        if (fd < 0) return open_file(world_.make<SignalFile>(*mask), (flags & SFD_NONBLOCK) != 0);
        auto* const file = dynamic_cast<SignalFile*>(world_.at(fd));
        if (file == nullptr) return -EINVAL;
        file->set(*mask);
        return fd;
    }));
}

// The real mask stays as it is: signals of the simulation are its own.
int SimulatedKernel::pthread_sigmask(int how, const sigset_t* set, sigset_t* old) noexcept {
    if (old != nullptr) *old = blocked_;
    for (int signal = 1; set != nullptr && signal < NSIG; ++signal) {
        const bool given = sigismember(set, signal) == 1;
        if (how == SIG_SETMASK && !given) sigdelset(&blocked_, signal);
        if (given && how == SIG_UNBLOCK) sigdelset(&blocked_, signal);
        if (given && how != SIG_UNBLOCK) sigaddset(&blocked_, signal);
    }
    return 0;
}

int SimulatedKernel::pipe2(int* ends, int flags) noexcept {
    return static_cast<int>(call("pipe2", -1, [&]() -> Result {
        auto& reader = world_.make<PipeEnd>(false);
        auto& writer = world_.make<PipeEnd>(true);
        PipeEnd::join(reader, writer);
        const bool non_blocking = (flags & O_NONBLOCK) != 0;
        const Result first = open_file(reader, non_blocking);
        const Result second = first < 0 ? first : open_file(writer, non_blocking);
        if (second < 0) {
            if (first >= 0) world_.close(static_cast<int>(first));
            return second;
        }
        ends[0] = static_cast<int>(first);
        ends[1] = static_cast<int>(second);
        return 0;
    }));
}

int SimulatedKernel::ioctl(int fd, unsigned long request, void* value) noexcept {
    if (!world_.is_ours(fd)) return Kernel::ioctl(fd, request, value);
    return static_cast<int>(on_file("ioctl", fd, [&](OpenFile& file) -> Result {
        const Result count = request == FIONREAD   ? file.in_queue()
                             : request == TIOCOUTQ ? file.out_queue()
                                                   : -ENOTTY;
        if (count < 0) return count;
        *static_cast<int*>(value) = static_cast<int>(count);
        return 0;
    }));
}

// --- bytes -------------------------------------------------------------------------------------

ssize_t SimulatedKernel::read(int fd, void* buffer, std::size_t size) noexcept {
    if (!world_.is_ours(fd)) return Kernel::read(fd, buffer, size);
    return on_file("read", fd,
                   [&](OpenFile& file) { return file.read(writable(buffer, size), 0); });
}

ssize_t SimulatedKernel::write(int fd, const void* buffer, std::size_t size) noexcept {
    if (!world_.is_ours(fd)) return Kernel::write(fd, buffer, size);
    return on_file("write", fd, [&](OpenFile& file) { return file.write(view(buffer, size), 0); });
}

// What could be read next, without reading it. The descriptor may be a real file.
Result SimulatedKernel::peek(int fd, std::string& bytes, std::size_t size, off_t* offset) {
    bytes.resize(std::min<std::size_t>(size, 65536));
    const auto* const real = dynamic_cast<RealFile*>(world_.at(fd));
    if (world_.is_ours(fd) && real == nullptr) {
        OpenFile* const file = world_.at(fd);
        return file == nullptr ? -EBADF
                               : file->read(writable(bytes.data(), bytes.size()), MSG_PEEK);
    }
    const int number = real == nullptr ? fd : real->fd();
    const off_t from = offset == nullptr ? Kernel::lseek(number, 0, SEEK_CUR) : *offset;
    return or_error(Kernel::pread(number, bytes.data(), bytes.size(), from));
}

ssize_t SimulatedKernel::sendfile(int to, int from, off_t* offset, std::size_t size) noexcept {
    return splice(from, offset, to, nullptr, size, 0);
}

ssize_t SimulatedKernel::splice(int from, off_t* from_offset, int to, off_t* /*to_offset*/,
                                std::size_t size, unsigned flags) noexcept {
    return on_file("splice", to, [&](OpenFile& target) -> Result {
        const int send_flags = (flags & SPLICE_F_NONBLOCK) != 0 ? MSG_DONTWAIT : 0;
        std::string bytes;
        const Result found = peek(from, bytes, size, from_offset);
        if (found <= 0) return found;
        const Result written = target.write(view(bytes.data(), static_cast<std::size_t>(found)),
                                            MSG_NOSIGNAL | send_flags);
        if (written <= 0) return written;
        if (from_offset != nullptr) {
            *from_offset += written;
        } else if (OpenFile* const source = world_.at(from)) {
            source->read(writable(bytes.data(), static_cast<std::size_t>(written)), 0);
        } else {
            Kernel::read(from, bytes.data(), static_cast<std::size_t>(written));
        }
        return written;
    });
}

// --- processes ---------------------------------------------------------------------------------

pid_t SimulatedKernel::fork() noexcept {
    return static_cast<pid_t>(call("fork", -1, [] { return Result{-ENOSYS}; }));
}

int SimulatedKernel::posix_spawnp(pid_t* /*pid*/, const char* /*program*/,
                                  const posix_spawn_file_actions_t* /*actions*/,
                                  const posix_spawnattr_t* /*attributes*/,
                                  char* const* /*arguments*/,
                                  char* const* /*environment*/) noexcept {
    call("posix_spawnp", -1, [] { return Result{-ENOSYS}; });
    return ENOSYS;
}

int SimulatedKernel::pidfd_open(pid_t /*pid*/, unsigned /*flags*/) noexcept {
    return static_cast<int>(call("pidfd_open", -1, [] { return Result{-ENOSYS}; }));
}

int SimulatedKernel::pidfd_send_signal(int fd, int /*signal*/, siginfo_t* /*sent*/,
                                       unsigned /*flags*/) noexcept {
    return static_cast<int>(call("pidfd_send_signal", fd, [] { return Result{-ENOSYS}; }));
}

int SimulatedKernel::waitid(idtype_t /*kind*/, id_t /*id*/, siginfo_t* /*found*/,
                            int /*options*/) noexcept {
    return static_cast<int>(call("waitid", -1, [] { return Result{-ECHILD}; }));
}

int SimulatedKernel::kill(pid_t /*pid*/, int signal) noexcept {
    return static_cast<int>(call("kill", -1, [&]() -> Result {
        if (signal != 0) world_.raise(signal);
        return 0;
    }));
}

} // namespace pollux::simulated
