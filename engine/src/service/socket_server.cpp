#include <pollux/service/socket_server.hpp>

#include <utility>

#include "service/service.hpp"

namespace pollux {
namespace {

class FunctionSession final : public Session {
public:
    explicit FunctionSession(SessionFunction& function) noexcept : function_{function} {}
    std::size_t on_data(ByteView bytes) override { return function_(*this, bytes); }

private:
    SessionFunction& function_;
};

SessionFactory sessions_of(SessionFunction function) {
    return [shared = std::make_unique<SessionFunction>(std::move(function))] {
        return std::make_unique<FunctionSession>(*shared);
    };
}

} // namespace

SocketServer::SocketServer(const Address& address, SessionFactory make_session,
                           SocketServerOptions options)
    : service_{std::make_unique<Service>(address, std::move(make_session), std::move(options))} {}
SocketServer::SocketServer(const Address& address, SessionFunction on_data,
                           SocketServerOptions options)
    : SocketServer{address, sessions_of(std::move(on_data)), std::move(options)} {}
SocketServer::~SocketServer() = default;

Address SocketServer::address() const { return service_->address(); }
void SocketServer::serve_forever() { service_->serve(); }
void SocketServer::shutdown() noexcept { service_->shutdown(); }
SocketServerStats SocketServer::stats() const noexcept { return service_->stats(); }

} // namespace pollux
