#include "torture/threads_at_rest.hpp"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <filesystem>
#include <pollux/fd.hpp>
#include <sched.h>
#include <string>
#include <string_view>
#include <unistd.h>

namespace pollux_test {
namespace {

// proc_pid_stat(5): `NUMBER (NAME) STATE …`. A thread that has just been woken is `R`.
bool sleeps(const std::filesystem::path& thread) {
    const pollux::Fd stat{::open((thread / "stat").c_str(), O_RDONLY | O_CLOEXEC)};
    std::array<char, 200> some{};
    const ssize_t count = stat ? ::read(stat.get(), some.data(), some.size()) : -1;
    if (count <= 0) return true; // it has ended
    const std::string_view text{some.data(), static_cast<std::size_t>(count)};
    const std::size_t name_end = text.rfind(") ");
    if (name_end == text.npos || name_end + 2 == text.size()) return true;
    return std::string_view{"SZX"}.find(text[name_end + 2]) != std::string_view::npos;
}

bool all_others_sleep() {
    const std::string own = std::to_string(::gettid());
    const std::filesystem::directory_iterator threads{"/proc/self/task"};
    return std::all_of(begin(threads), end(threads), [&](const auto& thread) {
        return thread.path().filename() == own || sleeps(thread.path());
    });
}

} // namespace

void wait_until_others_sleep() {
    while (!all_others_sleep()) ::sched_yield();
}

} // namespace pollux_test
