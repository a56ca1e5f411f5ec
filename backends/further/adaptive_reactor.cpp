#include "../backends.hpp"

#include <cerrno>
#include <pollux/error.hpp>

namespace pollux {

std::unique_ptr<Reactor> make_adaptive_reactor() { throw_system_error(ENOSYS, "adaptive"); }

} // namespace pollux
