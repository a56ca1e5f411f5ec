// Many clients at once on one loop, against an echo server: each sends its messages one by one,
// waits for each to come back, and checks every byte.
//
//     echo_server --port 7777 &
//     many_clients --port 7777 --connections 1000 --messages 100

#include "common/client.hpp"
#include "common/dialer.hpp"
#include "common/program.hpp"

#include <cstdint>
#include <iostream>
#include <stdexcept>
#include <unistd.h>
#include <vector>

using namespace pollux;

namespace {

struct Work {
    std::size_t connections = 50;
    std::size_t messages = 100;
    std::size_t size = 64;
    std::chrono::milliseconds timeout{10'000}; // without progress
};

// The byte at a place of a client's stream: no two clients and no two neighbours look alike.
std::byte expected(std::size_t client, std::size_t place) {
    return static_cast<std::byte>((client * 131 + place * 7 + place / 251) % 256);
}

class ManyClients {
public:
    ManyClients(EventLoop& loop, const demos::ClientOptions& options, const Work& work)
        : loop_{loop},
          work_{work},
          clients_(work.connections),
          connections_{loop, handlers(), connection_options(options.trigger, work)},
          dialer_{connections_, options} {
        dialer_.find([this](std::error_code error) {
            if (error) return fail_all(error.message());
            for (Client& client : clients_) {
                Connection& connection = *connections_.find(dialer_.connect());
                connection.user = &client;
                send_next(connection); // when it is connected
            }
        });
    }

    bool all_done() const { return done_ == clients_.size(); }
    std::size_t failed() const { return failed_; }
    std::size_t bytes() const { return bytes_; }
    std::size_t messages() const { return bytes_ / work_.size; }
    const std::string& first_failure() const { return first_failure_; }

private:
    struct Client {
        std::size_t sent = 0;
        std::size_t received = 0;
    };

    static ConnectionOptions connection_options(Trigger trigger, const Work& work) {
        ConnectionOptions options;
        options.trigger = trigger;
        options.idle_timeout = work.timeout;
        return options;
    }

    ConnectionHandlers handlers() {
        return {.on_data = [this](Connection& connection,
                                  ByteView data) { return check(connection, data); },
                .on_close = [this](Connection& connection,
                                   const Closed& closed) { finish(connection, closed); }};
    }

    static Client& client_of(Connection& connection) {
        return *static_cast<Client*>(connection.user);
    }
    std::size_t number_of(const Client& client) const {
        return static_cast<std::size_t>(&client - clients_.data());
    }
    std::size_t whole() const { return work_.messages * work_.size; }

    void send_next(Connection& connection) {
        Client& client = client_of(connection);
        std::vector<std::byte> message(work_.size);
        for (std::byte& byte : message) byte = expected(number_of(client), client.sent++);
        connection.send(message);
    }

    std::size_t check(Connection& connection, ByteView data) {
        Client& client = client_of(connection);
        for (const std::byte byte : data) {
            const bool as_sent = client.received < client.sent &&
                                 byte == expected(number_of(client), client.received);
            if (!as_sent) {
                fail(client, "byte " + std::to_string(client.received) + " came back wrong");
                connection.abort();
                return data.size();
            }
            ++client.received;
        }
        bytes_ += data.size();
        if (client.received == whole())
            connection.close();
        else if (client.received == client.sent)
            send_next(connection);
        return data.size();
    }

    void finish(Connection& connection, const Closed& closed) {
        const Client& client = client_of(connection);
        if (client.received < whole() && closed.reason != CloseReason::aborted) {
            fail(client, "ended after " + std::to_string(client.received) + " of " +
                             std::to_string(whole()) + " bytes: " + demos::to_text(closed));
        }
        if (++done_ == clients_.size()) loop_.stop();
    }

    void fail(const Client& client, const std::string& what) {
        if (failed_++ == 0)
            first_failure_ = "client " + std::to_string(number_of(client)) + ": " + what;
    }

    void fail_all(const std::string& why) {
        failed_ = clients_.size();
        first_failure_ = "client 0: " + dialer_.server().to_string() + ": " + why;
        loop_.stop();
    }

    EventLoop& loop_;
    Work work_;
    std::vector<Client> clients_;
    std::size_t done_ = 0;
    std::size_t failed_ = 0;
    std::size_t bytes_ = 0;
    std::string first_failure_;
    ConnectionSet connections_;
    demos::Dialer dialer_;
};

int run(const demos::ClientOptions& options, const Work& work) {
    if (demos::raise_descriptor_limit() < work.connections + 16)
        throw std::invalid_argument{"the limit of open descriptors does not allow " +
                                    std::to_string(work.connections) + " connections"};
    EventLoop loop = options.make_loop();
    const Clock::time_point start = Clock::now();
    ManyClients clients{loop, options, work};

    Timer progress;
    const std::size_t all = work.connections * work.messages;
    if (::isatty(STDERR_FILENO) != 0)
        progress = loop.run_every(std::chrono::milliseconds{100}, [&] {
            std::cerr << '\r' << clients.messages() << " of " << all << " messages" << std::flush;
        });
    loop.run();
    if (progress) std::cerr << "\r\033[K";

    const std::chrono::duration<double> took = Clock::now() - start;
    std::cout << work.connections << " connections, " << clients.messages() << " of " << all
              << " messages, " << clients.bytes() << " bytes as sent, in " << took.count()
              << " s\n";
    if (clients.failed() == 0) return 0;
    std::cerr << "many_clients: " << clients.failed() << " of " << work.connections
              << " clients failed; the first is " << clients.first_failure() << '\n';
    return 1;
}

} // namespace

int main(int argc, char** argv) {
    demos::Options options{"many_clients",
                           "Many clients of an echo server at once; every byte is checked."};
    demos::ClientOptions common;
    Work work;
    constexpr std::size_t many = 1'000'000'000;
    common.add_to(options);
    options.number("--connections", work.connections, 1, many, "clients at once");
    options.number("--messages", work.messages, 1, many,
                   "messages of each client, one after the other");
    options.number("--size", work.size, 1, many, "bytes of a message");
    options.duration("--timeout", work.timeout,
                     "how long a client waits for an answer before it gives up");
    return demos::run(options, argc, argv, [&] { return run(common, work); });
}
