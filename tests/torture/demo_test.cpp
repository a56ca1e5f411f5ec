// Torture of the demo servers: their own object code, from main to the end.

#include "torture/demo_life.hpp"
#include "torture/plain_client.hpp"
#include "torture/torture.hpp"

#include "support/library_sockets.hpp"

#include <array>
#include <cerrno>
#include <fstream>
#include <pollux/error.hpp>
#include <pollux/fd.hpp>
#include <string>
#include <sys/socket.h>

using namespace pollux;
using namespace pollux_test;

namespace {

// A socket that takes and gives what it can.
class Talker {
public:
    explicit Talker(const Address& server)
        : socket_{::socket(server.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)} {
        check(::connect(socket_.get(), server.data(), server.size()), "connect");
    }

    void say(std::string_view text) {
        if (::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0) over_ = true;
    }
    void listen() {
        std::array<char, 4096> some;
        while (!over_) {
            const ssize_t count = ::recv(socket_.get(), some.data(), some.size(), 0);
            if (count < 0 && errno == EAGAIN) return;
            if (count <= 0)
                over_ = true;
            else
                heard_.append(some.data(), static_cast<std::size_t>(count));
        }
    }
    void leave() { ::shutdown(socket_.get(), SHUT_WR); }

    bool over() const { return over_; }
    const std::string& heard() const { return heard_; }
    bool has_heard(std::string_view text) const { return heard_.find(text) != heard_.npos; }

private:
    Fd socket_;
    std::string heard_;
    bool over_ = false;
};

// Two talk: each hears itself first, so that it knows that it is a member, then the other. They use
// one letter at a time: what one read gives is a message, and it may be cut.
class ChatCrowd final : public Crowd {
public:
    explicit ChatCrowd(const Address& server) : one_{server}, other_{server} {
        one_.say("1");
        other_.say("2");
    }

    bool step() override {
        one_.listen();
        other_.listen();
        if (!asked_ && one_.has_heard("msg=1") && other_.has_heard("msg=2")) {
            one_.say("3");
            asked_ = true;
        }
        if (asked_ && !answered_ && other_.has_heard("msg=3")) {
            other_.say("4");
            answered_ = true;
        }
        talked_ = answered_ && one_.has_heard("msg=4") && other_.has_heard("msg=4");
        if (talked_ || one_.over() || other_.over()) {
            one_.leave();
            other_.leave();
        }
        return one_.over() && other_.over();
    }
    bool served() const override { return talked_; }

private:
    Talker one_;
    Talker other_;
    bool asked_ = false;
    bool answered_ = false;
    bool talked_ = false;
};

// Says all of it, and hears what comes until the end.
class Asking : public Crowd {
public:
    Asking(const Address& server, std::string_view text) : talker_{server} { talker_.say(text); }

    bool step() override {
        talker_.listen();
        return talker_.over();
    }
    bool served() const override { return true; }

protected:
    Talker talker_;
};

constexpr std::string_view requests = "GET /plain HTTP/1.1\r\nHost: x\r\n\r\n"
                                      "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
                                      "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

class HttpCrowd final : public Asking {
public:
    explicit HttpCrowd(const Address& server) : Asking{server, requests} {}
    bool served() const override {
        return talker_.has_heard("Hello, World!") && talker_.has_heard("404 Not Found") &&
               talker_.heard().ends_with("</html>\n");
    }
};

std::string framed(std::string_view text) {
    const auto size = static_cast<std::uint32_t>(text.size());
    std::string frame;
    for (unsigned byte = 0; byte < 4; ++byte) frame += static_cast<char>(size >> 8 * byte & 0xff);
    return frame.append(text);
}

std::string content_of(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

// Sends a file, which is then there.
class FileCrowd final : public Asking {
public:
    FileCrowd(const Address& server, std::string path, std::string content, std::string_view text)
        : Asking{server, text}, path_{std::move(path)}, content_{std::move(content)} {}
    bool served() const override { return content_of(path_) == content_; }

private:
    std::string path_;
    std::string content_;
};

std::string next_name() {
    static int number = 0;
    return "file" + std::to_string(1000 + ++number % 1000); // all of one length
}

void chat_is_served(Trial& trial) {
    static const DemoJob job{
        .program = "chat_server",
        .options = {"--format", "stamped"},
        .crowd = [](const Address& server) { return std::make_unique<ChatCrowd>(server); }};
    serve_demo(trial, job);
}

void http_is_served(Trial& trial) {
    static const DemoJob job{
        .program = "http_server", .options = {}, .crowd = [](const Address& server) {
            return std::make_unique<HttpCrowd>(server);
        }};
    serve_demo(trial, job);
}

void file_is_taken(Trial& trial, std::string_view program,
                   std::string (*text)(std::string_view name, std::string_view content)) {
    const Directory directory;
    const std::string content(3000, 'x');
    const DemoJob job{.program = program,
                      .options = {"--dir", directory / ""},
                      .crowd = [&](const Address& server) {
                          const std::string name = next_name();
                          return std::make_unique<FileCrowd>(server, directory / name, content,
                                                             text(name, content));
                      }};
    serve_demo(trial, job);
}

void transfer_is_served(Trial& trial) {
    file_is_taken(trial, "transfer_server", [](std::string_view name, std::string_view content) {
        return framed(R"({"msg_type":"file","file_name":")" + std::string{name} + "\"}") +
               framed(content) + framed("close");
    });
}

void upload_is_served(Trial& trial) {
    file_is_taken(trial, "upload_server", [](std::string_view name, std::string_view content) {
        return std::string{name} + "-" + std::to_string(content.size()) + std::string{content};
    });
}

} // namespace

CONTRACT_CASE("X1 X2 X3 X4 chat_server", everywhere) {
    torture(mode, "chat_server", chat_is_served);
}
CONTRACT_CASE("X1 X2 X3 X4 http_server", everywhere) {
    torture(mode, "http_server", http_is_served);
}
CONTRACT_CASE("X1 X2 X3 X4 transfer_server", everywhere) {
    torture(mode, "transfer_server", transfer_is_served, {.fake_clock = false});
}
CONTRACT_CASE("X1 X2 X3 X4 upload_server", everywhere) {
    torture(mode, "upload_server", upload_is_served, {.fake_clock = false});
}
