#include "peers/token_ring.hpp"

#include <cerrno>
#include <fcntl.h>
#include <pollux/error.hpp>
#include <stdexcept>
#include <sys/resource.h>
#include <sys/select.h>
#include <unistd.h>
#include <utility>

namespace peers {

namespace {

void raise_descriptor_limit() {
    rlimit limit{};
    pollux::check(getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
    limit.rlim_cur = limit.rlim_max;
    pollux::check(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
}

// The writing ends are numbered high, so that select has the low numbers for what it watches.
int move_up(int fd) {
    const int moved = pollux::check(fcntl(fd, F_DUPFD_CLOEXEC, FD_SETSIZE), "fcntl(F_DUPFD)");
    close(fd);
    return moved;
}

} // namespace

TokenRing::TokenRing(std::size_t pipes, std::size_t tokens)
    : tokens_{tokens}, readers_(pipes, -1), writers_(pipes, -1) {
    if (pipes == 0 || tokens == 0 || tokens > pipes)
        throw std::invalid_argument{"at least one token, and no more than pipes"};
    raise_descriptor_limit();
}

TokenRing::~TokenRing() { close_writers(); }

std::span<const int> TokenRing::open() {
    close_writers();
    for (std::size_t i = 0; i < size(); ++i) {
        int ends[2];
        pollux::check(pipe2(ends, O_CLOEXEC | O_NONBLOCK), "pipe2");
        readers_[i] = ends[0];
        writers_[i] = move_up(ends[1]);
    }
    return readers_;
}

void TokenRing::close_writers() noexcept {
    for (int& fd : writers_)
        if (fd >= 0) close(std::exchange(fd, -1));
}

void TokenRing::put_tokens() {
    for (std::size_t i = 0; i < size(); ++i)
        if (i * tokens_ / size() != (i + 1) * tokens_ / size())
            if (write(writers_[i], "", 1) != 1)
                pollux::throw_system_error(errno, "write", "a pipe");
}

void TokenRing::expect(Act act, std::uint64_t calls, std::function<void()> on_enough) {
    act_ = act;
    calls_ = spurious_ = 0;
    enough_ = calls;
    on_enough_ = std::move(on_enough);
}

void TokenRing::ready(std::size_t place) noexcept {
    if (act_ != Act::leave && !move(place)) {
        ++spurious_;
        return;
    }
    if (++calls_ == enough_) on_enough_();
}

bool TokenRing::move(std::size_t place) noexcept {
    char token;
    if (read(readers_[place], &token, 1) != 1) return false;
    if (act_ == Act::take) return true;
    const std::size_t next = place + 1 == size() ? 0 : place + 1;
    return write(writers_[next], &token, 1) == 1;
}

} // namespace peers
