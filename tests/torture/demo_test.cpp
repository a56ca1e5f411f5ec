// Torture of the demo servers: their own object code, from main to the end.

#include "torture/demo_life.hpp"
#include "torture/talker.hpp"
#include "torture/torture.hpp"

#include "support/library_sockets.hpp"
#include "support/streams.hpp"

#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

using namespace pollux;
using namespace pollux_test;

namespace {

// Two talk: each hears itself first, so that it knows that it is a member, then the other. They use
// one letter at a time: what one read gives is a message, and it may be cut.
class ChatCrowd final : public Crowd {
public:
    explicit ChatCrowd(const Address& server) : one_{server}, other_{server} {
        one_.say("1");
        other_.say("2");
    }

    bool step() override {
        one_.step();
        other_.step();
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
        talker_.step();
        return talker_.over();
    }
    bool served() const override { return talker_.ended_well(); }

protected:
    Talker talker_;
};

// Says all of it and leaves.
class Telling final : public Asking {
public:
    Telling(const Address& server, std::string_view text) : Asking{server, text} {
        talker_.leave();
    }
};

std::string content_of(const std::string& path) {
    std::ostringstream content;
    content << std::ifstream{path, std::ios::binary}.rdbuf();
    return content.str();
}

// Gives a file, which another thread writes, and asks for a page that stands fixed, one that is not
// there, a file, and a page again. Of all that goes wrong on the way, HTTP tells the client.
class HttpCrowd final : public Asking {
public:
    HttpCrowd(const Address& server, std::string upload, const std::string& content)
        : Asking{server, requests(upload, content)},
          upload_{std::move(upload)},
          content_{content} {}

    bool served() const override {
        return talker_.has_heard("Hello, World!") && talker_.has_heard("404 Not Found") &&
               talker_.has_heard(content_) && talker_.has_heard("201 Created") &&
               talker_.heard().ends_with("</html>\n") && content_of(upload_) == content_;
    }
    int told() const override {
        int errors = 0;
        for (std::size_t at = 0; (at = talker_.heard().find("HTTP/1.1 5", at)) != std::string::npos;
             ++at)
            ++errors;
        return errors;
    }

private:
    static std::string requests(const std::string& upload, const std::string& content) {
        return "PUT /upload" + upload.substr(upload.rfind('/')) +
               " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(content.size()) +
               "\r\n\r\n" + content +
               "GET /plain HTTP/1.1\r\nHost: x\r\n\r\n"
               "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
               "GET /files/there HTTP/1.1\r\nHost: x\r\n\r\n"
               "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    }

    std::string upload_;
    std::string content_;
};

std::string framed(std::string_view text) {
    const auto size = static_cast<std::uint32_t>(text.size());
    std::string frame;
    for (unsigned byte = 0; byte < 4; ++byte) frame += static_cast<char>(size >> 8 * byte & 0xff);
    return frame.append(text);
}

// Sends a file, which is then there.
class FileCrowd final : public Asking {
public:
    FileCrowd(const Address& server, std::string path, std::string content, std::string_view text)
        : Asking{server, text}, path_{std::move(path)}, content_{std::move(content)} {}
    bool served() const override { return talker_.ended_well() && content_of(path_) == content_; }

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
    const Directory directory;
    const std::string content = pattern(3000);
    std::ofstream{directory / "there"} << content;
    const DemoJob job{.program = "http_server",
                      .options = {"--root", directory / "", "--uploads", directory / ""},
                      .crowd = [&](const Address& server) {
                          return std::make_unique<HttpCrowd>(server, directory / next_name(),
                                                             content);
                      }};
    serve_demo(trial, job);
}

void frames_are_served(Trial& trial) {
    static const std::string text = framed("one") + framed("") + framed(std::string(5000, 'x'));
    static const DemoJob job{
        .program = "frame_server",
        .crowd = [](const Address& server) { return std::make_unique<Telling>(server, text); },
        .printed = "one\n\n" + std::string(5000, 'x') + "\n"};
    serve_demo(trial, job);
}

// Of two parts: one is written while the other comes in.
DemoJob file_job(std::string_view program, const Directory& directory,
                 std::string (*text)(std::string_view name, std::string_view content)) {
    return {.program = program,
            .options = {"--dir", directory / ""},
            .crowd = [&directory, text](const Address& server) {
                static const std::string content = pattern(300'000);
                const std::string name = next_name();
                return std::make_unique<FileCrowd>(server, directory / name, content,
                                                   text(name, content));
            }};
}

void transfer_is_served(Trial& trial) {
    const Directory directory;
    DemoJob job =
        file_job("transfer_server", directory, [](std::string_view name, std::string_view content) {
            return framed(R"({"msg_type":"msg"})") + framed("hello") +
                   framed(R"({"msg_type":"file","file_name":")" + std::string{name} + "\"}") +
                   framed(content) + framed("close");
        });
    job.printed = "hello\n";
    serve_demo(trial, job);
}

void upload_is_served(Trial& trial) {
    const Directory directory;
    const DemoJob job =
        file_job("upload_server", directory, [](std::string_view name, std::string_view content) {
            return std::string{name} + "-" + std::to_string(content.size()) + std::string{content};
        });
    serve_demo(trial, job);
}

} // namespace

CONTRACT_CASE("torture X1 X2 X3 X4 chat_server", everywhere) {
    torture(mode, "chat_server", chat_is_served);
}
CONTRACT_CASE("torture X1 X2 X3 X4 frame_server", everywhere) {
    torture(mode, "frame_server", frames_are_served);
}
CONTRACT_CASE("torture X1 X2 X3 X4 http_server", everywhere) {
    torture(mode, "http_server", http_is_served);
}
CONTRACT_CASE("torture X1 X2 X3 X4 transfer_server", everywhere) {
    torture(mode, "transfer_server", transfer_is_served);
}
CONTRACT_CASE("torture X1 X2 X3 X4 upload_server", everywhere) {
    torture(mode, "upload_server", upload_is_served);
}
CONTRACT_CASE("torture X5 chat_server under many faults", everywhere) {
    torture_at_random(mode, "chat_server, many faults", chat_is_served, 60);
}
CONTRACT_CASE("torture X5 frame_server under many faults", everywhere) {
    torture_at_random(mode, "frame_server, many faults", frames_are_served, 60);
}
CONTRACT_CASE("torture X5 http_server under many faults", everywhere) {
    torture_at_random(mode, "http_server, many faults", http_is_served, 60);
}
CONTRACT_CASE("torture X5 transfer_server under many faults", everywhere) {
    torture_at_random(mode, "transfer_server, many faults", transfer_is_served, 60);
}
CONTRACT_CASE("torture X5 upload_server under many faults", everywhere) {
    torture_at_random(mode, "upload_server, many faults", upload_is_served, 60);
}
