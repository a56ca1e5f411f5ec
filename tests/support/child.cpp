#include "child.hpp"

#include <doctest/doctest.h>

#include <array>
#include <csignal>
#include <exception>
#include <fcntl.h>
#include <pollux/error.hpp>
#include <pollux/fd.hpp>
#include <sys/wait.h>
#include <unistd.h>

namespace pollux_test {
namespace {

using pollux::check;
using pollux::Fd;

void say(std::string_view text) {
    if (::write(STDERR_FILENO, text.data(), text.size()) < 0) ::_exit(3);
}

[[noreturn]] void be_child(int stderr_fd, const std::function<void(const Expect&)>& body) {
    ::signal(SIGABRT, SIG_DFL); // doctest's handlers would report the parent's test case
    ::signal(SIGSEGV, SIG_DFL);
    ::alarm(20);
    ::dup2(stderr_fd, STDERR_FILENO);
    int exit_code = 0;
    try {
        body([&](bool held, std::string_view what) {
            if (held) return;
            exit_code = 1;
            say(std::string{"not so: "}.append(what).append("\n"));
        });
    } catch (const std::exception& error) {
        exit_code = 2;
        say(std::string{"threw: "}.append(error.what()).append("\n"));
    }
    ::_exit(exit_code);
}

std::string read_to_end(const Fd& from) {
    std::string text;
    std::array<char, 4096> buffer{};
    for (;;) {
        const ssize_t count = ::read(from.get(), buffer.data(), buffer.size());
        if (count <= 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(count));
    }
}

} // namespace

ChildEnd in_child(const std::function<void(const Expect&)>& body) {
    std::array<int, 2> fds{};
    check(::pipe2(fds.data(), O_CLOEXEC), "pipe2");
    const Fd reader{fds[0]};
    Fd writer{fds[1]};
    const pid_t child = check(::fork(), "fork");
    if (child == 0) be_child(writer.get(), body);
    writer.reset();
    std::string said = read_to_end(reader);
    int status = 0;
    check(::waitpid(child, &status, 0), "waitpid");
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1,
            WIFSIGNALED(status) ? WTERMSIG(status) : 0, std::move(said)};
}

void holds_in_child(const std::function<void(const Expect&)>& body) {
    const ChildEnd end = in_child(body);
    CHECK_EQ(end.said, "");
    CHECK_EQ(end.exit_code, 0);
    CHECK_EQ(end.signal, 0);
}

} // namespace pollux_test
