#pragma once

#include <pollux/stream/connection_set.hpp>

#include "service/service.hpp"

namespace pollux {

/// Sessions on the connections of a loop.
class SessionsOnLoop {
public:
    /// `on_gone`, which may be empty, is called for each that is over.
    SessionsOnLoop(Service& service, EventLoop& loop, Task on_gone = {});

    void adopt(Socket client) noexcept;
    std::size_t size() const noexcept { return connections_.size(); }

    /// Ends each in good order: what has arrived is answered. Looks again and again for those with
    /// which nothing is under way any more.
    void end();

private:
    Service& service_;
    EventLoop& loop_;
    Task on_gone_;
    ConnectionSet connections_;
    Timer look_again_;
};

} // namespace pollux
