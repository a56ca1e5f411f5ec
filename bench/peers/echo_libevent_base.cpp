#include "echo_libevent_base.hpp"

#include <cerrno>
#include <csignal>
#include <pollux/error.hpp>
#include <stdexcept>
#include <utility>

namespace echo {

LibeventBase::LibeventBase() : base_(event_base_new()) {
    if (!base_) throw std::runtime_error{"event_base_new: no base"};
}

Owned<event> LibeventBase::ends_at(int signal) {
    const auto end = [](int, short, void* base) {
        event_base_loopbreak(static_cast<event_base*>(base));
    };
    Owned<event> watcher{evsignal_new(base_.get(), signal, end, base_.get())};
    if (!watcher || event_add(watcher.get(), nullptr) < 0)
        throw std::runtime_error{"event_add: signal " + std::to_string(signal)};
    return watcher;
}

void LibeventBase::run(const Settings& settings, OnClient on_client) {
    on_client_ = std::move(on_client);
    const Owned<event> terminated = ends_at(SIGTERM);
    const Owned<event> interrupted = ends_at(SIGINT);
    // It listens already: 0 for the queue's length leaves that as it is.
    pollux::Fd socket = echo::listen(settings);
    const Owned<evconnlistener> listener{
        evconnlistener_new(base_.get(), accepted, this, LEV_OPT_CLOSE_ON_FREE, 0, socket.get())};
    if (!listener) throw std::runtime_error{"evconnlistener_new: no listener"};
    evconnlistener_set_error_cb(listener.get(), not_accepted);
    announce(socket.release());
    if (event_base_dispatch(base_.get()) < 0) throw std::runtime_error{"event_base_dispatch"};
    if (failure_) std::rethrow_exception(failure_);
}

void LibeventBase::accepted(evconnlistener* /*listener*/, int fd, sockaddr* /*peer*/, int /*size*/,
                            void* self) {
    static_cast<LibeventBase*>(self)->take(fd);
}

void LibeventBase::not_accepted(evconnlistener* /*listener*/, void* self) {
    auto& base = *static_cast<LibeventBase*>(self);
    try {
        pollux::throw_system_error(errno, "accept4");
    } catch (...) {
        base.failure_ = std::current_exception();
    }
    event_base_loopbreak(base.get());
}

// libevent is C: no exception may pass through it.
void LibeventBase::take(int fd) noexcept {
    try {
        on_client_(fd);
    } catch (...) {
        failure_ = std::current_exception();
        event_base_loopbreak(base_.get());
    }
}

std::string LibeventBase::version() { return std::string{"libevent "} + event_get_version(); }

} // namespace echo
