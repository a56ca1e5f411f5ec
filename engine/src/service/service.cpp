#include "service/service.hpp"

#include <stdexcept>
#include <system_error>
#include <utility>

#include "cpu_affinity.hpp"
#include "service/models.hpp"

namespace pollux {
namespace {

Socket datagrams_at(const Address& address, bool shares_port) {
    Socket socket = Socket::open(address.family(), SOCK_DGRAM);
    if (shares_port) socket.set(option::reuse_port, true);
    socket.bind(address);
    return socket;
}

Socket socket_at(const Address& address, const SocketServerOptions& options) {
    if (options.listen.type == SOCK_DGRAM) {
        const bool has_several = options.model == Model::multi && address.family() != AF_UNIX;
        return datagrams_at(address, has_several || options.listen.reuse_port);
    }
    Socket socket = Socket::listen(address, options.listen);
    // Accepted sockets inherit it.
    if (address.family() != AF_UNIX) socket.set(option::no_delay, true);
    return socket;
}

SocketServerOptions checked(SocketServerOptions options) {
    if (options.max_clients == 0) throw std::invalid_argument{"SocketServer: max_clients is 0"};
    if (options.trigger == Trigger::exclusive)
        throw std::invalid_argument{"SocketServer: the trigger is not for connections"};
    return options;
}

void serve_by_model(Service& service) {
    switch (service.options().model) {
    case Model::iterative:
        return serve_iterative(service);
    case Model::threads:
        return serve_threads(service);
    case Model::pool:
        return serve_pool(service);
    case Model::fork:
        return serve_fork(service);
    case Model::reactor:
        return serve_reactor(service);
    case Model::multi:
        return serve_multi(service);
    case Model::coroutine:
        return serve_coroutine(service);
    }
}

} // namespace

Service::Service(const Address& address, SessionFactory make_session, SocketServerOptions options)
    : options_{checked(std::move(options))},
      make_session_{std::move(make_session)},
      socket_{socket_at(address, options_)},
      address_{socket_.local()},
      stop_{options_.drain_timeout},
      loop_{options_.backend, options_.loop} {
    if (!loop_.supports(options_.trigger))
        throw std::invalid_argument{"SocketServer: the backend does not have the trigger"};
}

std::size_t Service::threads() const {
    if (options_.threads > 0) return options_.threads;
    return allowed_cpus().size();
}

Socket Service::bound_again() const { return datagrams_at(address_, true); }

void Service::serve() {
    if (!stop_.requested()) serve_by_model(*this);
    socket_.close();
}

void Service::shutdown() noexcept {
    stop_.request();
    loop_.wake();
}

bool Service::run_until(UniqueFunction<bool()> done, Clock::time_point due) {
    while (!done()) {
        Timeout patience = forever;
        if (due != Clock::time_point::max()) {
            const Clock::time_point now = Clock::now();
            if (now >= due) return false;
            patience = due - now;
        }
        take_turn(patience);
    }
    return true;
}

void Service::take_turn(Timeout patience) {
    try {
        loop_.run_once(patience);
    } catch (const std::system_error& error) {
        if (error.code() != std::errc::not_enough_memory) throw;
    }
}

std::unique_ptr<Session> Service::make_session(SessionLink& link) {
    std::unique_ptr<Session> session;
    {
        const std::lock_guard lock{user_};
        session = make_session_();
    }
    if (session == nullptr) throw std::logic_error{"SocketServer: no session was made"};
    session->link_ = &link;
    return session;
}

void Service::report_failure() noexcept {
    if (!options_.on_error) return;
    const std::lock_guard lock{user_};
    options_.on_error(std::current_exception());
}

} // namespace pollux
