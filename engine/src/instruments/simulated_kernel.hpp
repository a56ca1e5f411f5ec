#pragma once

// The calls of the library, answered by a World. Calls on descriptors of the real kernel, and those
// that have nothing to do with descriptors, go through to it.

#include <sys/socket.h>

#include "instruments/simple_files.hpp"
#include "instruments/simulated_socket.hpp"
#include "instruments/world.hpp"
#include "sys_kernel.hpp"

namespace pollux::simulated {

class SimulatedKernel final : public Kernel {
public:
    explicit SimulatedKernel(World& world) : world_{world} {}

    // --- descriptors (simulated_calls.cpp)
    int close(int fd) noexcept override;
    int fcntl(int fd, int command, int argument) noexcept override;
    int open(const char* path, int flags) noexcept override;
    int fchmod(int fd, mode_t mode) noexcept override;
    int lstat(const char* path, struct stat* status) noexcept override;
    int unlink(const char* path) noexcept override;
    int eventfd(unsigned initial, int flags) noexcept override;
    int signalfd(int fd, const sigset_t* mask, int flags) noexcept override;
    int pthread_sigmask(int how, const sigset_t* set, sigset_t* old) noexcept override;
    int pipe2(int* ends, int flags) noexcept override;
    int ioctl(int fd, unsigned long request, void* value) noexcept override;
    ssize_t read(int fd, void* buffer, std::size_t size) noexcept override;
    ssize_t write(int fd, const void* buffer, std::size_t size) noexcept override;
    ssize_t sendfile(int to, int from, off_t* offset, std::size_t size) noexcept override;
    ssize_t splice(int from, off_t* from_offset, int to, off_t* to_offset, std::size_t size,
                   unsigned flags) noexcept override;

    // --- sockets (simulated_socket_calls.cpp)
    int socket(int family, int type, int protocol) noexcept override;
    int socketpair(int family, int type, int protocol, int* fds) noexcept override;
    int bind(int fd, const sockaddr* address, socklen_t size) noexcept override;
    int listen(int fd, int backlog) noexcept override;
    int accept4(int fd, sockaddr* address, socklen_t* size, int flags) noexcept override;
    int connect(int fd, const sockaddr* address, socklen_t size) noexcept override;
    int shutdown(int fd, int how) noexcept override;
    int getsockname(int fd, sockaddr* address, socklen_t* size) noexcept override;
    int getpeername(int fd, sockaddr* address, socklen_t* size) noexcept override;
    int getsockopt(int fd, int level, int name, void* value, socklen_t* size) noexcept override;
    int setsockopt(int fd, int level, int name, const void* value,
                   socklen_t size) noexcept override;
    ssize_t recv(int fd, void* buffer, std::size_t size, int flags) noexcept override;
    ssize_t send(int fd, const void* buffer, std::size_t size, int flags) noexcept override;
    ssize_t sendto(int fd, const void* buffer, std::size_t size, int flags, const sockaddr* address,
                   socklen_t address_size) noexcept override;
    ssize_t recvmsg(int fd, msghdr* message, int flags) noexcept override;
    ssize_t sendmsg(int fd, const msghdr* message, int flags) noexcept override;
    int recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags,
                 timespec* timeout) noexcept override;
    int sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) noexcept override;

    // --- waits and time (simulated_waits.cpp)
    int io_uring_setup(unsigned entries, io_uring_params* parameters) noexcept override;
    int epoll_create1(int flags) noexcept override;
    int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept override;
    int epoll_wait(int epoll, epoll_event* events, int capacity,
                   int milliseconds) noexcept override;
    int epoll_pwait2(int epoll, epoll_event* events, int capacity, const timespec* timeout,
                     const sigset_t* mask) noexcept override;
    int ppoll(pollfd* fds, nfds_t count, const timespec* timeout,
              const sigset_t* mask) noexcept override;
    int pselect(int count, fd_set* readable, fd_set* writable, fd_set* urgent,
                const timespec* timeout, const sigset_t* mask) noexcept override;
    int clock_gettime(clockid_t clock, timespec* now) noexcept override;
    int sigtimedwait(const sigset_t* set, siginfo_t* found,
                     const timespec* timeout) noexcept override;

    // --- processes: there are none (simulated_calls.cpp)
    pid_t fork() noexcept override;
    int posix_spawnp(pid_t* pid, const char* program, const posix_spawn_file_actions_t* actions,
                     const posix_spawnattr_t* attributes, char* const* arguments,
                     char* const* environment) noexcept override;
    int pidfd_open(pid_t pid, unsigned flags) noexcept override;
    int pidfd_send_signal(int fd, int signal, siginfo_t* sent, unsigned flags) noexcept override;
    int waitid(idtype_t kind, id_t id, siginfo_t* found, int options) noexcept override;
    int kill(pid_t pid, int signal) noexcept override;

    void pass(Time delay) noexcept override { world_.now += delay; }

private:
    struct Asked;

    /// One call of the program: others may act before it, and it is told in the story.
    template <class Act> Result call(const char* name, int fd, Act act) noexcept {
        world_.let_others_act();
        return finish(name, fd, act());
    }
    template <class Act> Result on_file(const char* name, int fd, Act act) noexcept {
        return call(name, fd, [&]() -> Result {
            OpenFile* const file = world_.at(fd);
            return file == nullptr ? -EBADF : act(*file);
        });
    }
    template <class Act> Result on_socket(const char* name, int fd, Act act) noexcept {
        return on_file(name, fd, [&](OpenFile& file) -> Result {
            auto* const socket = dynamic_cast<Socket*>(&file);
            return socket == nullptr ? -ENOTSOCK : act(*socket);
        });
    }
    Result finish(const char* name, int fd, Result result) noexcept;
    /// A descriptor for a fresh file.
    Result open_file(OpenFile& file, bool non_blocking);
    Result receive_message(Socket& socket, msghdr& message, int flags);
    Result send_message(Socket& socket, const msghdr& message, int flags);
    Result peek(int fd, std::string& bytes, std::size_t size, off_t* offset);
    Result epoll_wait_for(int epoll, epoll_event* events, int capacity,
                          std::optional<Time> timeout);
    OpenFile* watched(int fd);
    Result wait_for_any(std::vector<Asked>& asked, std::optional<Time> timeout);

    World& world_;
    sigset_t blocked_{};
    std::map<int, RealFile*> foreign_; // descriptors of the real kernel that the program watches
};

} // namespace pollux::simulated
