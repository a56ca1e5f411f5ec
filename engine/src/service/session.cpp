#include <pollux/service/session.hpp>

#include <cassert>

#include "service/session_link.hpp"

namespace pollux {

Session::~Session() = default;

namespace {

SessionLink& checked(SessionLink* link) noexcept {
    assert(link != nullptr && "a session speaks when it is called, not when it is made");
    return *link;
}

} // namespace

bool Session::send(ByteView bytes) { return checked(link_).send(bytes); }
void Session::close() { checked(link_).close(); }
Address Session::peer() const { return checked(link_).peer(); }

} // namespace pollux
