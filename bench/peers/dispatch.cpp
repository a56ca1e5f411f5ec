#include <algorithm>
#include <fcntl.h>
#include <stdexcept>
#include <string>

#include "peers/cpu_time.hpp"
#include "peers/options.hpp"
#include "peers/stand_by.hpp"
#include "peers/works.hpp"

namespace peers {

namespace {

TokenRing::Act parse_act(std::string_view name) {
    if (name == "pass") return TokenRing::Act::pass;
    if (name == "leave") return TokenRing::Act::leave;
    throw std::invalid_argument{"pass or leave, not " + std::string{name}};
}

// Whether what was added is watched: every pipe is called for once.
void check_watched(Watching& watching, TokenRing& ring) {
    ring.put_tokens();
    ring.expect(TokenRing::Act::take, ring.tokens(), [&] { watching.end(); });
    watching.run();
    if (ring.calls() != ring.tokens())
        throw std::runtime_error{std::to_string(ring.calls()) + " of " +
                                 std::to_string(ring.tokens()) + " pipes were called for"};
}

void check_closed(std::span<const int> fds) {
    const auto open = [](int fd) { return fcntl(fd, F_GETFD) >= 0; };
    if (std::ranges::any_of(fds, open)) throw std::runtime_error{"some pipes were left open"};
}

} // namespace

void dispatch(const Library& library, int argc, char** argv) {
    const Options options{
        {{"--watched", "1000"}, {"--active", "1"}, {"--act", "pass"}, {"--facility", "epoll"}},
        argc,
        argv};
    const TokenRing::Act act = parse_act(options.text("--act"));
    TokenRing ring{options.number("--watched"), options.number("--active")};
    const auto watching = library.watching(options.text("--facility"), ring);
    watching->add(ring.open());
    ring.put_tokens();
    stand_by([&](std::uint64_t count) -> Sample {
        ring.expect(act, std::max<std::uint64_t>(1, count), [&] { watching->end(); });
        const std::uint64_t time = time_of([&] { watching->run(); });
        if (ring.calls() < count) throw std::runtime_error{"ended before all calls were made"};
        return {{"count", ring.calls()}, {"cpu_ns", time}, {"spurious", ring.spurious()}};
    });
}

void set_up(const Library& library, int argc, char** argv) {
    const Options options{{{"--watched", "1000"}, {"--facility", "epoll"}}, argc, argv};
    const std::uint64_t size = options.number("--watched");
    TokenRing ring{size, size};
    const auto watching = library.watching(options.text("--facility"), ring);
    stand_by([&](std::uint64_t count) -> Sample {
        std::uint64_t add = 0, remove = 0;
        for (std::uint64_t pass = 0; pass < count; ++pass) {
            const std::span<const int> fds = ring.open();
            add += time_of([&] {
                watching->add(fds);
                watching->turn();
            });
            if (pass == 0) check_watched(*watching, ring);
            remove += time_of([&] {
                watching->remove();
                watching->turn();
            });
            check_closed(fds);
        }
        return {{"count", count * size},
                {"cpu_ns", add + remove},
                {"add_ns", add},
                {"remove_ns", remove}};
    });
}

} // namespace peers
