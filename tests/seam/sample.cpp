// One function for each call of the library, that makes it and nothing else. Compiled twice:
// through the seam as `pollux` does, and on the bare call. The object code has to be the same.

#include "sys.hpp"

#define POLLUX_CALL(result, name, parameters, arguments)                                           \
    extern "C" result make_##name parameters noexcept { return WAY::name arguments; }
#define POLLUX_TIMED_CALL POLLUX_CALL
#include "sys_calls.inc"
