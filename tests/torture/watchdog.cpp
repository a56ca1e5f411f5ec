#include "torture/watchdog.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <unistd.h>

// Of the sanitizers, where there is one.
// NOLINTBEGIN(bugprone-reserved-identifier, readability-identifier-naming): its name
extern "C" [[gnu::weak]] void __sanitizer_set_death_callback(void (*callback)());
// NOLINTEND(bugprone-reserved-identifier, readability-identifier-naming)

namespace pollux_test {
namespace {

constexpr unsigned longest_run = 60; // seconds

// Fixed: it is read in a signal handler.
std::array<char, 1000> running{};

void say(std::string_view text) {
    static_cast<void>(!::write(STDERR_FILENO, text.data(), text.size()));
}

void say_what_runs() {
    if (running[0] == '\0') return;
    say("--- while this was run: --fault='");
    say({running.data(), std::strlen(running.data())});
    say("\n");
}

// Doctest's own, for each test case, and those of the sanitizers.
std::array<void (*)(int), 2> before{};

void on_alarm(int) {
    say("--- a run of a torture hangs\n");
    std::abort();
}

void on_crash(int signal) {
    say_what_runs();
    std::signal(signal, before[signal == SIGABRT ? 0 : 1]);
    std::raise(signal);
}

bool prepare() {
    std::signal(SIGALRM, on_alarm);
    if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(say_what_runs);
    return true;
}

} // namespace

Watched::Watched(const std::string& plan_and_test) {
    [[maybe_unused]] static const bool prepared = prepare();
    const std::size_t size = std::min(plan_and_test.size(), running.size() - 1);
    std::copy_n(plan_and_test.begin(), size, running.begin());
    running[size] = '\0';
    before = {std::signal(SIGABRT, on_crash), std::signal(SIGSEGV, on_crash)};
    ::alarm(longest_run);
}

Watched::~Watched() {
    ::alarm(0);
    std::signal(SIGABRT, before[0]);
    std::signal(SIGSEGV, before[1]);
    running[0] = '\0';
}

} // namespace pollux_test
