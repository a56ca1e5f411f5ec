// One connection for each word, all at once on one loop: each sends its word and ends its side.
// Answers are printed as they come, with the time since the start.
//
//     delay_server --port 7777 --delay 2s &
//     fanout_client --port 7777 one sleep two

#include "common/client.hpp"
#include "common/dialer.hpp"
#include "common/program.hpp"
#include "common/text.hpp"

#include <cstdio>
#include <iostream>
#include <vector>

using namespace pollux;

namespace {

std::string seconds_since(Clock::time_point start) {
    const std::chrono::duration<double> elapsed = Clock::now() - start;
    char text[32];
    std::snprintf(text, sizeof text, "%.3f s ", elapsed.count());
    return text;
}

class Fanout {
public:
    Fanout(EventLoop& loop, const demos::ClientOptions& options, std::vector<std::string>& words)
        : loop_{loop},
          left_{words.size()},
          connections_{loop, handlers(), demos::client_options(options.trigger)},
          dialer_{connections_, options} {
        dialer_.find([this, &words](std::error_code error) {
            if (error) return fail_all(error.message());
            for (std::string& word : words) say(word, dialer_.connect());
        });
    }

    std::size_t failed() const { return failed_; }

private:
    static const std::string& word_of(const Connection& connection) {
        return *static_cast<const std::string*>(connection.user);
    }

    void say(std::string& word, ConnectionId id) {
        connections_.find(id)->user = &word;
        connections_.find(id)->send(word);
        if (Connection* const connection = connections_.find(id)) connection->end();
    }

    void fail_all(const std::string& why) {
        std::cerr << "fanout_client: " << dialer_.server().to_string() << ": " << why << '\n';
        failed_ = left_;
        loop_.stop();
    }

    ConnectionHandlers handlers() {
        return {.on_data =
                    [this](Connection& connection, ByteView answer) {
                        demos::print_line(text_of(answer),
                                          seconds_since(start_) + word_of(connection) + ": ");
                        return answer.size();
                    },
                .on_close =
                    [this](Connection& connection, const Closed& closed) {
                        if (closed.reason != CloseReason::peer) {
                            std::cerr << "fanout_client: " << word_of(connection) << ": "
                                      << demos::to_text(closed) << '\n';
                            ++failed_;
                        }
                        if (--left_ == 0) loop_.stop();
                    }};
    }

    EventLoop& loop_;
    Clock::time_point start_ = Clock::now();
    std::size_t left_;
    std::size_t failed_ = 0;
    ConnectionSet connections_;
    demos::Dialer dialer_;
};

} // namespace

int main(int argc, char** argv) {
    demos::Options options{"fanout_client", "One connection for each word, all at once."};
    demos::ClientOptions common;
    std::vector<std::string> words;
    common.add_to(options);
    options.words("words", words, "what to send");
    return demos::run(options, argc, argv, [&] {
        demos::raise_descriptor_limit();
        EventLoop loop = common.make_loop();
        // NOLINTNEXTLINE(misc-const-correctness): its callbacks change it
        Fanout fanout{loop, common, words};
        loop.run();
        return fanout.failed() == 0 ? 0 : 1;
    });
}
