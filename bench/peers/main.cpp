// One program for each library, named peer_LIBRARY: puts it to a work and stands by to be told how
// much of it. With --version, says what the library is.

#include <exception>
#include <iostream>
#include <stdexcept>
#include <string_view>

#include "peers/works.hpp"

namespace {

const char* const usage =
    R"(peer_LIBRARY WORK [option …]: prints "ready"; then does some of the work for each line
"go COUNT" on standard input, and prints what it took as one JSON object.

  dispatch   COUNT calls for pipes that become readable
    --watched N --active M      pipes, and tokens going round in them (1000, 1)
    --act pass|leave            whether a call passes the token on, or leaves it where it is (pass)
    --facility NAME             epoll, poll, select or io_uring (epoll)
  setup      COUNT times: begins to watch pipes, then stops and closes them
    --watched N --facility NAME
  timers     COUNT times: arms timers for 1 to 61 s, cancels them; puts armed ones off to 60 s; arms
             them for 1 to 100 ms and calls them when all are due
    --timers N                  (100000)
  post       COUNT jobs from a thread on another core
    --other-core C              where that thread is
    --way post|look|queue|signal  the library carries the job; the same, and looks for it for a
                                millisecond before it sleeps; a queue of ours does, or nothing (post)
    --shape burst|round-trip    as fast as can be, or to another loop and back (burst)
  --version

Status 2 and a line on standard error when something goes wrong.
)";

} // namespace

int main(int argc, char** argv) {
    try {
        const std::string_view work = argc > 1 ? argv[1] : "--help";
        const peers::Library library = peers::library();
        if (work == "--help")
            std::cout << usage;
        else if (work == "--version")
            std::cout << library.name << ' ' << library.version << '\n';
        else if (work == "dispatch")
            peers::dispatch(library, argc, argv);
        else if (work == "setup")
            peers::set_up(library, argc, argv);
        else if (work == "timers")
            peers::use_timers(library, argc, argv);
        else if (work == "post")
            peers::post(library, argc, argv);
        else
            throw std::invalid_argument{"no such work; try --help"};
        return 0;
    } catch (const std::exception& error) {
        std::cerr << argv[0] << ": " << error.what() << '\n';
        return 2;
    }
}
