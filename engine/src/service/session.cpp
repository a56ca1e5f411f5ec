#include <pollux/service/session.hpp>

#include <cassert>

#include "service/session_link.hpp"

namespace pollux {

Session::~Session() = default;

bool Session::send(ByteView bytes) {
    assert(link_ != nullptr && "a session sends when it is called, not when it is made");
    return link_->send(bytes);
}
void Session::close() { link_->close(); }
Address Session::peer() const { return link_->peer(); }

} // namespace pollux
