#pragma once

#include <optional>
#include <pollux/stream/listener.hpp>
#include <system_error>

#include "service/datagrams.hpp"
#include "service/service.hpp"

namespace pollux {

/// The clients of a service, one after the other. What it lives for is over when it goes: nobody
/// else is accepted, and the stop is requested if it was not.
class Arrivals {
public:
    explicit Arrivals(Service& service);
    ~Arrivals();
    Arrivals(const Arrivals&) = delete;
    Arrivals& operator=(const Arrivals&) = delete;

    using HasRoom = UniqueFunction<bool()>;

    /// Takes turns of the loop until the next client comes; nobody is taken while `has_room` says
    /// no. What it gives is the whole conversation, or what there is to do for one datagram: to be
    /// called anywhere, now or later; it does not throw. Empty: it is over.
    Task next(HasRoom has_room);

    /// The client itself, for a model that has connections on loops. Not of datagrams. Owns
    /// nothing: it is over.
    Socket next_client(HasRoom has_room);

    /// In a forked process: the others are the parent's.
    void let_go() noexcept;

private:
    void listen();
    void receive();
    void wait(HasRoom has_room);
    void take(bool wanted);
    void look_at_listener();

    Service& service_;
    std::optional<Listener> listener_;
    std::optional<DatagramWatch> datagrams_;
    std::error_code broken_;
    std::uint64_t shed_ = 0;
    bool taking_ = true;
    Socket client_;
    Task job_;
};

} // namespace pollux
