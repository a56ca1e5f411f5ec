// The floor: echo on the kernel's facilities, without a library.
//
// epoll at level is the loop that all others are measured against. At edge it reads until a read
// comes back short, which epoll(7) names as a sufficient sign (questions and answers, 9), and asks
// for EPOLLRDHUP, because a FIN that came with the bytes is not announced again. --drain reads
// until EAGAIN, at any trigger.

#include "echo_bare.hpp"

#include <map>
#include <utility>

namespace {

constexpr const char* about =
    "an echo server on a bare loop of epoll, poll or select, the floor of a comparison.";

echo::Reading reading_of(echo::Trigger trigger, bool drain) {
    if (drain) return echo::Reading::until_blocked;
    return trigger == echo::Trigger::edge ? echo::Reading::until_short : echo::Reading::once;
}

} // namespace

int main(int argc, char** argv) {
    const std::map<std::string, decltype(&echo::serve_on_epoll)> facilities{
        {"epoll", echo::serve_on_epoll},
        {"poll", echo::serve_on_poll},
        {"select", echo::serve_on_select}};
    const std::map<std::string, echo::Trigger> triggers{{"level", echo::Trigger::level},
                                                        {"edge", echo::Trigger::edge},
                                                        {"one-shot", echo::Trigger::one_shot}};
    std::string backend = "epoll";
    std::string trigger = "level";
    bool drain = false;
    bool discard = false;
    std::size_t accepts = 1;
    echo::Program program{.name = "echo_bare", .version = {}, .about = about};
    program.options.choice("--backend", backend, "epoll|poll|select", "kernel facility (epoll)");
    program.options.choice("--trigger", trigger, "level|edge|one-shot",
                           "when a ready descriptor is reported again (level)");
    program.options.flag("--drain", drain, "read on until there is nothing left");
    program.options.flag("--discard", discard, "send nothing back: the floor of an upload");
    program.options.number("--accepts", accepts, 1, 1'000'000,
                           "clients taken when the listener is ready (1)");

    return echo::run(argc, argv, std::move(program), [&](const echo::Settings& settings) {
        if (backend != "epoll" && trigger != "level")
            throw echo::Failure{"--trigger " + trigger + ": only epoll has it"};
        echo::Bare bare{.trigger = triggers.at(trigger), .accepts = accepts};
        bare.reading = reading_of(bare.trigger, drain);
        const echo::Service service{
            .read_size = settings.read_size, .work = settings.work, .discards = discard};
        const pollux::Fd listener = echo::listen(settings);
        const pollux::Fd termination = echo::termination();
        facilities.at(backend)(listener.get(), termination.get(), service, bare);
    });
}
