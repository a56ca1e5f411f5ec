// Runs a program for each client, as inetd did: what the client sends is the program's input, and
// what that prints is the answer. A Connection and a Child on one loop; whichever is slow holds up
// the other, and nothing piles up between them.
//
//     command_server --port 7777 -- tr a-z A-Z &
//     ncat 127.0.0.1 7777

#include "common/program.hpp"

#include <iostream>
#include <optional>
#include <pollux/stream/child.hpp>
#include <string>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

using namespace pollux;

namespace {

class Programs {
public:
    Programs(demos::ServerProgram& program, std::vector<std::string> arguments)
        : program_{program} {
        options_.arguments = std::move(arguments);
        options_.input = options_.output = ChildStream::pipe();
    }

    ConnectionHandlers handlers() {
        return {
            .on_open = [this](Connection& connection) { start(connection); },
            .on_data = [this](Connection& connection,
                              ByteView data) { return pass_on(connection, data); },
            .on_end = [this](Connection& connection) { of(connection).close_input(); },
            .on_drain = [this](Connection& connection) { of(connection).resume_output(); },
            .on_close = [this](Connection& connection,
                               const Closed&) { running_.erase(connection.id()); }, // kills it
        };
    }

private:
    Child& of(const Connection& connection) { return running_.at(connection.id()); }

    void start(Connection& connection) {
        try {
            const ConnectionId id = connection.id();
            running_.try_emplace(id, connection.loop(), options_, handlers_for(id));
        } catch (const std::system_error& error) {
            std::cerr << "command_server: " << error.what() << std::endl;
            program_.reject(connection, "start");
        }
    }

    // While the program runs its client is there: see on_close.
    ChildHandlers handlers_for(ConnectionId id) {
        const auto client = [this, id]() -> Connection& {
            return *program_.server().connections().find(id);
        };
        return {.on_output = [this, client](ByteView bytes) { answer(client(), bytes); },
                .on_drain = [client] { client().resume_reading(); },
                .on_exit = [client](const ExitStatus&) { client().close(); }};
    }

    std::size_t pass_on(Connection& connection, ByteView data) {
        Child& child = of(connection);
        if (child.write(data) || !child.input_open()) return data.size();
        connection.pause_reading(); // too much waits: until on_drain of the child
        return 0;
    }

    void answer(Connection& client, ByteView bytes) {
        if (!client.send(bytes)) return;
        if (client.queued() > program_.limits().connection.high_water)
            of(client).pause_output(); // until on_drain of the connection
    }

    demos::ServerProgram& program_;
    ChildOptions options_;
    std::unordered_map<ConnectionId, Child> running_;
};

} // namespace

int main(int argc, char** argv) {
    demos::ServerProgram program{"command_server", "Runs a program for each client."};
    std::vector<std::string> arguments;
    program.options().words("COMMAND", arguments, "the program and its arguments");
    program.sandbox().refuse("the programs that it runs would be in it too");
    std::optional<Programs> programs;
    return program.run(argc, argv,
                       [&](EventLoop&) { return programs.emplace(program, arguments).handlers(); });
}
