#include "programs.hpp"

#include <cerrno>
#include <sys/wait.h>
#include <utility>

namespace pollux_test {

using namespace pollux;

ExitStatus exited(int code) {
    return {.how = ExitStatus::How::exited, .code = static_cast<std::uint8_t>(code)};
}
ExitStatus killed(int signal) { return {.how = ExitStatus::How::killed, .signal = signal}; }

ChildOptions piped(std::vector<std::string> arguments) {
    return {.arguments = std::move(arguments),
            .input = ChildStream::pipe(),
            .output = ChildStream::pipe(),
            .errors = ChildStream::pipe()};
}
ChildOptions shell(std::string script) { return piped({"sh", "-c", std::move(script)}); }

ChildHandlers note(Told& told) {
    return {.on_output =
                [&](ByteView bytes) {
                    told.output += text_of(bytes);
                    if (!told.order.ends_with('o')) told.order += 'o';
                },
            .on_errors =
                [&](ByteView bytes) {
                    told.errors += text_of(bytes);
                    if (!told.order.ends_with('e')) told.order += 'e';
                },
            .on_drain = [&] { ++told.drained; },
            .on_exit =
                [&](const ExitStatus& status) {
                    told.status = status;
                    told.order += 'x';
                },
            .on_done = [&] { told.order += 'd'; }};
}

Told run(const Mode& mode, const ChildOptions& options) {
    EventLoop loop{mode.backend};
    Told told;
    Child child{loop, options, note(told)};
    child.close_input();
    run_until(loop, [&] { return told.is_done(); });
    CHECK_FALSE(child.running());
    settle(loop);
    return told;
}

bool has_no_children() {
    siginfo_t found{};
    return ::waitid(P_ALL, 0, &found, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD;
}

std::string failure_of(const std::function<void()>& act) {
    try {
        act();
        return "no failure";
    } catch (const std::exception& error) {
        return error.what();
    }
}

} // namespace pollux_test
