// All clients on one thread: a loop asks the kernel which of them have something to say, and each
// has its turn. A client costs a few hundred bytes, so there may be thousands. No turn may wait for
// anything or take long, because all the others wait for it; and it uses one processor.

#include "service/arrivals.hpp"
#include "service/connections.hpp"
#include "service/models.hpp"

namespace pollux {
namespace {

void serve_connections(Service& service) {
    SessionsOnLoop sessions{service, service.loop()};
    {
        Arrivals arrivals{service};
        const auto has_room = [&] { return sessions.size() < service.options().max_clients; };
        while (Socket client = arrivals.next_client(has_room)) sessions.adopt(std::move(client));
    }
    sessions.end();
    service.run_until([&] { return sessions.size() == 0; }, service.stop().due());
}

} // namespace

void serve_reactor(Service& service) {
    if (!service.datagrams()) return serve_connections(service);
    const DatagramSessions sessions{service, service.loop(), service.socket(),
                                    service.options().trigger};
    service.run_until([&] { return service.stop().requested(); });
}

} // namespace pollux
