// Everybody hears what one says. `raw` passes each read on to all the others as it is; `stamped`
// puts the time and the sender before it and sends it to all, the sender too. A member that does
// not read is dropped when more than --member-limit waits for it, and delays nobody: what cannot be
// sent now waits in that member's own buffer. `quit` on the terminal ends the server.
//
//     chat_server --port 7777 --format stamped
//     chat_client --port 7777
//
// A message is what one read gave: on a stream two may come as one, and a long one in parts.
// Members can write what they like, the form of a stamp too: show it with care (see chat_client).

#include "common/line_input.hpp"
#include "common/program.hpp"
#include "common/text.hpp"

#include <array>
#include <csignal>
#include <ctime>
#include <stdexcept>

using namespace pollux;

namespace {

enum class Format : std::uint8_t { raw, stamped };

Format parse_format(const std::string& name) {
    if (name == "raw") return Format::raw;
    if (name == "stamped") return Format::stamped;
    throw std::invalid_argument{"no format '" + name + "': raw or stamped"};
}

// As in `1121 14:03:59`: month and day, local time.
std::string time_stamp() {
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    ::localtime_r(&now, &local);
    std::array<char, 32> text{};
    return {text.data(), std::strftime(text.data(), text.size(), "%m%d %H:%M:%S", &local)};
}

class Chat {
public:
    explicit Chat(demos::ServerProgram& program) : program_{program} {}

    Format format = Format::raw;

    ConnectionHandlers handlers() {
        return {.on_open =
                    [this](Connection& member) { names_[member.id()] = member.peer().to_string(); },
                .on_data =
                    [this](Connection& from, ByteView data) {
                        pass_on(from, text_of(data));
                        return data.size();
                    },
                .on_close =
                    [this](Connection& member, const Closed& closed) {
                        if (closed.reason == CloseReason::output_limit)
                            demos::print("dropped " + names_[member.id()] + ": reads too slowly\n");
                        names_.erase(member.id());
                    }};
    }

private:
    // A member that is over its limit is closed in the middle of this: the set knows its way.
    void pass_on(const Connection& from, std::string_view text) {
        message_.clear();
        if (format == Format::stamped)
            message_.append(time_stamp())
                .append(" From ")
                .append(names_[from.id()])
                .append(". msg=");
        message_.append(text);
        program_.server().connections().for_each([&](Connection& member) {
            if (format == Format::stamped || &member != &from) member.send(message_);
        });
    }

    demos::ServerProgram& program_;
    std::map<ConnectionId, std::string> names_;
    std::string message_; // keeps its room for the next
};

} // namespace

int main(int argc, char** argv) {
    demos::ServerProgram program{"chat_server", "Everybody hears what one says."};
    Chat chat{program};
    std::uint64_t member_limit = std::uint64_t{1} << 20;
    program.options().text(
        "--format", "raw|stamped",
        [&](const std::string& name) { chat.format = parse_format(name); },
        "raw (the default): to the others as it is; stamped: to all, with time and sender");
    program.options().size("--member-limit", member_limit,
                           "bytes that may wait for a member before it is dropped");

    std::signal(SIGTTIN, SIG_IGN); // in the background there is no terminal, which is an end
    std::optional<demos::LineInput> terminal;
    return program.run(argc, argv, [&](EventLoop& loop) {
        program.limits().connection.output_limit = member_limit;
        terminal.emplace(
            loop,
            [&](std::string_view line) {
                if (line == "quit") program.leave();
            },
            [] {});
        return chat.handlers();
    });
}
