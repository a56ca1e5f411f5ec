// Logs in: asks for the name and the password on the terminal, or takes them from --user and a
// pipe. The password is not shown while it is typed, and no option takes it, since everybody can
// read the command lines of others (ps).
//
//     login_client --port 7777
//     printf %s "$password" | login_client --port 7777 --user ada --password-stdin
//
// Ends with 0 when the server said yes, with 1 when not. The password goes over the wire as it is:
// see login_server.

#include "common/arriving_text.hpp"
#include "common/client.hpp"
#include "common/dialer.hpp"
#include "common/line_input.hpp"
#include "common/program.hpp"
#include "common/text.hpp"
#include "login/hidden_typing.hpp"
#include "login/message.hpp"

#include <csignal>
#include <iostream>
#include <pollux/signals.hpp>
#include <stdexcept>
#include <unistd.h>

using namespace pollux;

namespace {

class LoginClient {
public:
    LoginClient(EventLoop& loop, const demos::ClientOptions& options, std::string user)
        : name_{std::move(user)},
          asks_{name_.empty()},
          loop_{loop},
          connections_{loop, handlers(), {.trigger = options.trigger}},
          dialer_{connections_, options},
          signals_{loop,
                   {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP},
                   [this](int signal) { on_signal(signal); }},
          terminal_{loop, [this](std::string_view line) { typed(line); },
                    [this] { give_up("the input ended too early"); }} {
        terminal_.pause();
        dialer_.find([this](std::error_code error) {
            if (error) return give_up(error.message());
            server_ = dialer_.connect();
        });
    }

    bool right() const { return said_ && answer_ == demos::login_right; }
    const std::string& failure() const { return failure_; }
    /// That ended it; 0 for none.
    int signal() const { return signal_; }

private:
    ConnectionHandlers handlers() {
        return {.on_data =
                    [this](Connection&, ByteView data) {
                        hear(data);
                        return data.size();
                    },
                .on_close =
                    [this](Connection&, const Closed& closed) {
                        demos::print(arriving_.rest() + (said_ ? "\n" : ""));
                        if (closed.error != 0)
                            give_up(demos::to_text(closed));
                        else if (answer_.empty())
                            give_up("the server gave no answer");
                        loop_.stop();
                    }};
    }

    // The greeting may come in parts. Another one counts as complete with its first.
    void hear(ByteView data) {
        demos::print(arriving_.take(data));
        if (said_) {
            answer_ += text_of(data);
            return;
        }
        greeting_ += text_of(data);
        const bool is_part = greeting_.size() < demos::login_greeting.size() &&
                             demos::login_greeting.starts_with(greeting_);
        if (is_part || greeted_) return;
        greeted_ = true;
        demos::print("\n");
        terminal_.resume();
        if (asks_)
            ask_name();
        else
            ask_password();
    }

    void ask_name() { demos::print("user name: "); }

    void ask_password() {
        hidden_.start();
        if (asks_) demos::print("password: ");
    }

    void typed(std::string_view line) {
        if (name_.empty()) {
            name_ = line;
            return name_.empty() ? ask_name() : ask_password();
        }
        hidden_.stop();
        terminal_.pause();
        const demos::Login login{name_, demos::Secret{std::string{line}}};
        said_ = true;
        if (Connection* server = connections_.find(server_)) {
            std::string message = login.to_json();
            server->send(message);
            demos::wipe(message);
        }
    }

    void on_signal(int signal) {
        const bool was_hidden = hidden_.on();
        hidden_.stop();
        if (signal != SIGTSTP) {
            signal_ = signal;
            return loop_.stop();
        }
        std::raise(SIGSTOP); // and here it goes on
        if (was_hidden) ask_password();
    }

    void give_up(const std::string& why) {
        if (failure_.empty()) failure_ = why;
        loop_.stop();
    }

    std::string name_;
    bool asks_;
    bool greeted_ = false;
    bool said_ = false;
    int signal_ = 0;
    std::string greeting_;
    std::string answer_;
    std::string failure_;
    demos::ArrivingText arriving_;
    demos::HiddenTyping hidden_;
    EventLoop& loop_;
    ConnectionSet connections_;
    demos::Dialer dialer_;
    ConnectionId server_{};
    SignalWatch signals_;
    demos::LineInput terminal_;
};

int run(const demos::ClientOptions& options, const std::string& user, bool password_stdin) {
    const demos::ServerName server = options.server();
    EventLoop loop = options.make_loop();
    if (user.empty() == password_stdin)
        throw std::invalid_argument{"--user and --password-stdin belong together"};
    if (user.empty() && ::isatty(STDIN_FILENO) == 0)
        throw std::invalid_argument{
            "standard input is no terminal to ask on: use --user and --password-stdin"};
    int signal = 0;
    int status = 1;
    {
        // NOLINTNEXTLINE(misc-const-correctness): its callbacks change it
        LoginClient client{loop, options, user};
        loop.run();
        signal = client.signal();
        status = client.right() ? 0 : 1;
        if (signal == 0 && !client.failure().empty())
            std::cerr << "login_client: " << server.to_string() << ": " << client.failure() << '\n';
    }
    if (signal != 0) std::raise(signal); // the terminal is as it was: now as if nobody had watched
    return status;
}

} // namespace

int main(int argc, char** argv) {
    demos::Options options{"login_client", "Logs in at a login_server."};
    demos::ClientOptions common;
    std::string user;
    bool password_stdin = false;
    common.add_to(options);
    options.text("--user", user, "user name; the terminal is asked without it");
    options.flag("--password-stdin", password_stdin,
                 "the password is the first line of standard input");
    return demos::run(options, argc, argv, [&] { return run(common, user, password_stdin); });
}
