// Echo on Asio, without Boost.
//
// As its documentation's C++11 example "async_tcp_echo_server" shows: a session that keeps itself
// alive by shared_from_this, async_read_some, and then async_write, whose completion begins the
// next read. So nothing is read while an answer waits. The io_context is told that no other thread
// touches it (ASIO_CONCURRENCY_HINT_UNSAFE, "Concurrency Hints" in its overview): it takes no
// locks.

#include "echo_program.hpp"

#include "work.hpp"

#include <asio.hpp>
#include <csignal>
#include <memory>
#include <system_error>
#include <utility>

namespace {

using asio::ip::tcp;

class Session : public std::enable_shared_from_this<Session> {
public:
    Session(tcp::socket socket, const echo::Settings& settings)
        : socket_(std::move(socket)),
          settings_(settings),
          buffer_(std::make_unique_for_overwrite<char[]>(settings.read_size)) {}

    void read() {
        socket_.async_read_some(
            asio::buffer(buffer_.get(), settings_.read_size),
            [self = shared_from_this()](std::error_code error, std::size_t got) {
                if (!error) self->write(got);
            });
    }

private:
    void write(std::size_t count) {
        bench::burn(settings_.work);
        asio::async_write(socket_, asio::buffer(buffer_.get(), count),
                          [self = shared_from_this()](std::error_code error, std::size_t) {
                              if (!error) self->read();
                          });
    }

    tcp::socket socket_;
    const echo::Settings& settings_;
    std::unique_ptr<char[]> buffer_;
};

class Server {
public:
    explicit Server(const echo::Settings& settings)
        : settings_(settings), listener_(context_), signals_(context_, SIGTERM, SIGINT) {
        signals_.async_wait([this](std::error_code, int) { context_.stop(); });
        pollux::Fd socket = echo::listen(settings);
        const bool v6 = settings.host.find(':') != std::string::npos;
        listener_.assign(v6 ? tcp::v6() : tcp::v4(), socket.get());
        echo::announce(socket.release());
        accept();
    }

    void run() { context_.run(); }

private:
    void accept() {
        listener_.async_accept([this](std::error_code error, tcp::socket socket) {
            if (!error)
                std::make_shared<Session>(std::move(socket), settings_)->read();
            else if (error != asio::error::connection_aborted)
                throw std::system_error{error, "async_accept"};
            accept();
        });
    }

    const echo::Settings settings_;
    asio::io_context context_{ASIO_CONCURRENCY_HINT_UNSAFE};
    tcp::acceptor listener_;
    asio::signal_set signals_;
};

std::string version() {
    return "Asio " + std::to_string(ASIO_VERSION / 100000) + '.' +
           std::to_string(ASIO_VERSION / 100 % 1000) + '.' + std::to_string(ASIO_VERSION % 100);
}

} // namespace

int main(int argc, char** argv) {
    return echo::run(
        argc, argv, {.name = "echo_asio", .version = version(), .about = "echo on Asio's sockets."},
        [](const echo::Settings& settings) { Server{settings}.run(); });
}
