#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <pollux/event_loop.hpp>
#include <pollux/net/address.hpp>
#include <pollux/net/socket.hpp>
#include <pollux/stream/listener.hpp>

namespace bench {

/// An echo server that never writes before it has been told that it can: for each message it asks
/// for writability, waits, writes, and asks for readability again. Many servers are written so; it
/// costs two changes of the registration and one more wait for each message.
class TogglingEcho {
public:
    struct Options {
        pollux::AcceptOptions accept{}; ///< The trigger is that of the clients too.
        pollux::ListenOptions listen{};
        std::size_t read_size = 65536;
        std::chrono::nanoseconds work{};
    };

    /// Listens from now on. Throws `std::system_error`.
    TogglingEcho(pollux::EventLoop& loop, const pollux::Address& address, const Options& options);

    pollux::Address address() const { return listener_.address(); }
    std::uint64_t accepted() const noexcept { return accepted_; }
    std::size_t open() const noexcept { return clients_.size(); }

private:
    struct Client {
        pollux::Socket socket;
        std::string waiting{}; // to be sent back; empty while it is read from
        pollux::Watch watch{};
    };

    void take(pollux::Socket socket);
    void read(Client& client);
    void write(Client& client);
    void drop(Client& client);

    pollux::EventLoop& loop_;
    Options options_;
    std::map<int, std::unique_ptr<Client>> clients_; // by descriptor
    std::uint64_t accepted_ = 0;
    pollux::Listener listener_;
};

} // namespace bench
