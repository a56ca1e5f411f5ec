#include "descriptor.hpp"

#include <cerrno>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <system_error>
#include <unistd.h>

namespace kernel {

long check(long result, const char* call) {
    if (result < 0) throw std::system_error{errno, std::generic_category(), call};
    return result;
}

Descriptor::~Descriptor() {
    if (fd_ >= 0) close(fd_);
}

void raise_descriptor_limit() {
    rlimit limit{};
    check(getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
    limit.rlim_cur = limit.rlim_max;
    check(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
}

std::vector<Descriptor> open_eventfds(std::size_t count) {
    std::vector<Descriptor> opened;
    opened.reserve(count);
    while (opened.size() < count)
        opened.emplace_back(check(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd"));
    return opened;
}

void signal(int eventfd) { check(eventfd_write(eventfd, 1), "write"); }

std::uint64_t take(int eventfd) {
    eventfd_t value = 0;
    if (eventfd_read(eventfd, &value) < 0 && errno != EAGAIN) check(-1, "read");
    return value;
}

Descriptor make_epoll() { return Descriptor{check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")}; }

void watch(int epoll, int fd, std::uint32_t events) {
    epoll_event event{.events = events, .data = {.fd = fd}};
    check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

} // namespace kernel
