// The first program of every tutorial whole: whoever sits at this terminal talks with one client at
// a time, line by line both ways. `quit` sends the client away, and the next one has its turn.
//
//     talk_server --port 7777
//     ncat 127.0.0.1 7777
//
// Others wait meanwhile, not here but in the kernel: listen(2) makes a queue of connections that
// nobody has accepted yet. They count as connected and may send. --backlog is the length of that
// queue, not a number of clients to serve: Linux lets one more in than was asked for, and who comes
// then gets no answer and keeps trying until there is room.
//
// Empty lines are not sent. What is typed while nobody is there waits for the next client. When the
// terminal has ended, each client is told so (a half-close) and still heard; SIGINT and SIGTERM end
// the server. A client that sends no ends of lines is shown when it pauses.

#include "common/line_input.hpp"
#include "common/program.hpp"
#include "common/text.hpp"

#include <csignal>
#include <pollux/stream/framing.hpp>
#include <stdexcept>

using namespace pollux;

namespace {

constexpr std::size_t longest_line = std::size_t{1} << 14;
constexpr std::size_t much_waits = std::size_t{1} << 18;
constexpr std::chrono::milliseconds pause_of_speech{500};

std::string explain(int backlog) {
    return "backlog " + std::to_string(backlog) + ": while you talk with one client, " +
           std::to_string(backlog + 1) +
           " more can wait in the kernel's queue (Linux allows one more than was asked for); the "
           "next gets no answer yet\n";
}

class Talk {
public:
    Talk(demos::ServerProgram& program, EventLoop& loop)
        : program_{program},
          silent_{loop.run_after({}, [this] { show_unfinished(); })},
          terminal_{loop, [this](std::string_view line) { say(line); },
                    [this] {
                        terminal_ended_ = true;
                        if (Connection* client = find()) client->end();
                    }} {
        silent_.cancel();
        terminal_.pause();
        program.set_on_leaving([this] { leaving_ = true; });
    }

    void come(Connection& client) {
        client_ = client.id();
        name_ = client.peer().to_string();
        demos::print(name_ + " is here\n");
        if (terminal_ended_)
            client.end();
        else
            terminal_.resume();
    }

    std::size_t hear(Connection& client, ByteView bytes) {
        heard_ += text_of(bytes);
        const Taken lines =
            take_messages(LineFraming{longest_line}, bytes_of(heard_), [this](ByteView line) {
                show(text_of(line));
                return true;
            });
        heard_.erase(0, lines.taken);
        silent_.cancel();
        if (lines.refused) {
            heard_.clear();
            terminal_.pause();
            program_.reject(client, "long-line");
        } else if (!heard_.empty()) {
            silent_.run_after(pause_of_speech);
        }
        return bytes.size();
    }

    void send_away(Connection& client) {
        terminal_.pause();
        client.close();
    }

    void go_on() { terminal_.resume(); }

    void gone(const Closed& closed) {
        terminal_.pause();
        show_unfinished();
        client_.reset();
        const std::string why = closed.error == 0 ? std::string{to_string(closed.reason)}
                                                  : std::system_category().message(closed.error);
        demos::print(name_ + " is gone (" + why + ")" +
                     (leaving_ ? "\n" : "; waiting for the next\n"));
    }

private:
    Connection* find() {
        return client_ ? program_.server().connections().find(*client_) : nullptr;
    }

    void say(std::string_view line) {
        Connection* client = find();
        if (client == nullptr || line.empty()) return;
        if (line == "quit") return send_away(*client);
        if (!client->send(std::string{line} + '\n')) demos::print("not sent: " + name_ + " left\n");
        if (Connection* still = find(); still != nullptr && still->queued() > much_waits)
            terminal_.pause(); // until it drains
    }

    void show(std::string_view line) {
        if (line.ends_with('\r')) line.remove_suffix(1);
        demos::print(name_ + ": " + demos::harmless(line) + '\n');
    }

    void show_unfinished() {
        silent_.cancel();
        if (!heard_.empty()) show(std::exchange(heard_, {}));
    }

    demos::ServerProgram& program_;
    std::optional<ConnectionId> client_;
    std::string name_;
    std::string heard_; // a line that is not complete
    bool terminal_ended_ = false;
    bool leaving_ = false;
    Timer silent_;
    demos::LineInput terminal_;
};

ConnectionHandlers handlers(const std::shared_ptr<Talk>& talk) {
    return {
        .on_open = [talk](Connection& client) { talk->come(client); },
        .on_data = [talk](Connection& client, ByteView bytes) { return talk->hear(client, bytes); },
        .on_end = [talk](Connection& client) { talk->send_away(client); },
        .on_drain = [talk](Connection&) { talk->go_on(); },
        .on_close = [talk](Connection&, const Closed& closed) { talk->gone(closed); }};
}

} // namespace

int main(int argc, char** argv) {
    demos::ServerProgram program{"talk_server", "You and one client at a time, line by line."};
    ServerOptions& limits = program.limits();
    limits.max_connections = 1;
    limits.connection.high_water = much_waits;
    limits.connection.low_water = much_waits / 2;
    limits.connection.linger_timeout = std::chrono::seconds{1};
    limits.listen.backlog = 2;
    program.options().number("--backlog", limits.listen.backlog, 0, 65535,
                             "clients that wait in the kernel's queue meanwhile, less one");

    std::signal(SIGTTIN, SIG_IGN); // in the background there is no terminal, which is an end
    return program.run(argc, argv, [&](EventLoop& loop) {
        if (limits.max_connections != 1)
            throw std::invalid_argument{"--max-connections: it talks with one client at a time"};
        loop.post([backlog = limits.listen.backlog] { demos::print(explain(backlog)); });
        return handlers(std::make_shared<Talk>(program, loop));
    });
}
