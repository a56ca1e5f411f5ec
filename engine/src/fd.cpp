#include <pollux/fd.hpp>

#include "sys.hpp"

namespace pollux {

void Fd::reset(int fd) noexcept {
    const int old = std::exchange(fd_, fd < 0 ? none : fd);
    if (old != none) sys::close(old);
}

} // namespace pollux
