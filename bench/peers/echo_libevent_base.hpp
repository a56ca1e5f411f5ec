#pragma once

#include "echo_program.hpp"

#include <event2/event.h>
#include <event2/listener.h>
#include <exception>
#include <functional>
#include <memory>

namespace echo {

struct FreeEvent {
    void operator()(event_base* base) const noexcept { event_base_free(base); }
    void operator()(event* it) const noexcept { event_free(it); }
    void operator()(evconnlistener* listener) const noexcept { evconnlistener_free(listener); }
};
template <class Thing> using Owned = std::unique_ptr<Thing, FreeEvent>;

/// What both servers on libevent have: a loop that SIGTERM and SIGINT end, and its own listener
/// (evconnlistener, as the chapter "Connection listeners" of its book advises).
class LibeventBase {
public:
    /// `on_client` is given each client's socket, which does not block. What it throws, `run`
    /// throws.
    using OnClient = std::function<void(int fd)>;

    LibeventBase();
    event_base* get() const noexcept { return base_.get(); }
    void run(const Settings& settings, OnClient on_client);
    static std::string version();

private:
    static void accepted(evconnlistener* listener, int fd, sockaddr* peer, int size, void* self);
    static void not_accepted(evconnlistener* listener, void* self);
    void take(int fd) noexcept;
    Owned<event> ends_at(int signal);

    Owned<event_base> base_;
    OnClient on_client_;
    std::exception_ptr failure_;
};

} // namespace echo
