// What an idle connection costs in user space: a promise of the design, kept by the compiler.

#include <poll.h>

#include "loop_core.hpp"
#include "stream/connection_set_core.hpp"

namespace pollux {

#ifdef NDEBUG // debug builds keep the place of registration as well
constexpr std::size_t watch_slot = sizeof(WatchSlot);
constexpr std::size_t owner_entry = sizeof(std::uint32_t);
constexpr std::size_t poll_entry = sizeof(pollfd) + sizeof(Token) + sizeof(std::uint32_t);
static_assert(sizeof(Connection) + watch_slot + owner_entry + poll_entry <= 160);
#endif

} // namespace pollux
