#pragma once

// What the tests of `SocketServer` share.

#include "support/contract.hpp"
#include "support/library_sockets.hpp"

#include <array>
#include <pollux/net/blocking_socket.hpp>
#include <pollux/service/socket_server.hpp>
#include <string>
#include <string_view>
#include <thread>

namespace pollux_test {

inline constexpr std::array models{
    pollux::Model::iterative, pollux::Model::threads, pollux::Model::pool,     pollux::Model::fork,
    pollux::Model::reactor,   pollux::Model::multi,   pollux::Model::coroutine};

/// A server that serves in a thread of its own, and is shut down when this goes.
class Serving {
public:
    Serving(const pollux::Address& address, pollux::SessionFactory make_session,
            pollux::SocketServerOptions options = {})
        : server_{address, std::move(make_session), std::move(options)},
          thread_{[this] { server_.serve_forever(); }} {}
    ~Serving() { end(); }
    Serving(const Serving&) = delete;
    Serving& operator=(const Serving&) = delete;

    pollux::SocketServer& server() { return server_; }
    /// Returns when `serve_forever` has.
    void end() {
        server_.shutdown();
        if (thread_.joinable()) thread_.join();
    }
    pollux::BlockingSocket connect() {
        return pollux::BlockingSocket::connected_to(server_.address(), std::chrono::seconds{10});
    }

private:
    pollux::SocketServer server_;
    std::thread thread_;
};

/// An abstract address that no other process of these tests has.
pollux::Address abstract_address(std::string_view name);

/// Options for a model in a mode, for a small machine.
pollux::SocketServerOptions options_of(pollux::Model model, const Mode& mode);

/// Sends back the letters a to z as A to Z.
class Upper final : public pollux::Session {
    std::size_t on_data(pollux::ByteView bytes) override;
};
pollux::SessionFactory uppers();
std::string upper(std::string_view text);

/// As many bytes as that, and fewer only at the end of the stream.
std::string receive(pollux::BlockingSocket& from, std::size_t count);
/// All until the end of the stream.
std::string receive_all(pollux::BlockingSocket& from);
/// Sends it and receives as many bytes.
std::string ask(pollux::BlockingSocket& with, std::string_view text);

} // namespace pollux_test
