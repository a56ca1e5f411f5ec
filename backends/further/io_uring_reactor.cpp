#include "../backends.hpp"

#include <cerrno>
#include <pollux/error.hpp>

namespace pollux {

std::unique_ptr<Reactor> make_io_uring_reactor() { throw_system_error(ENOSYS, "io_uring"); }

} // namespace pollux
