#pragma once

#include "peers/peer.hpp"

namespace peers {

// What a program can be put to. Each stands by (stand_by.hpp), and throws when the library did not
// do what it was asked to.

/// COUNT calls of a ring with tokens. cpu_ns is the time of this thread.
void dispatch(const Library& library, int argc, char** argv);

/// COUNT times: begin to watch N fresh pipes, stop it and close them.
void set_up(const Library& library, int argc, char** argv);

/// COUNT times N timers: arm, put off, cancel; arm for soon, call.
void use_timers(const Library& library, int argc, char** argv);

/// COUNT jobs from another thread, as fast as that can; or COUNT times to another loop and back.
void post(const Library& library, int argc, char** argv);

} // namespace peers
