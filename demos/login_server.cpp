// Greets, reads one JSON object with a name and a password, says whether they are right, and
// closes.
//
//     login_server --users users --add-user ada --password-stdin
//     login_server --users users --port 7777
//     login_client --port 7777
//
// Hashing a password takes long, on purpose, so it is done on threads and no other client waits.
// For a user who is not there one is hashed too, or the time would tell who is (`hashed` in
// --stats). An address that is wrong too often is not answered for a while.
//
// The password goes over the wire as it is: whoever listens there can read it and use it again
// (replay). Use this on loopback, or through a tunnel that encrypts.

#include "common/program.hpp"
#include "login/attempt_limit.hpp"
#include "login/message.hpp"
#include "login/user_file.hpp"

#include <iostream>
#include <memory>
#include <new>
#include <pollux/worker_pool.hpp>
#include <stdexcept>
#include <unistd.h>

using namespace pollux;

namespace {

constexpr std::size_t longest_login = 4096;
constexpr WorkerPoolOptions pool_options{.threads = 2, .queue_limit = 256};

struct Settings {
    std::string users;
    std::string add_user;
    bool password_stdin = false;
    std::uint64_t attempts = 10;
    std::chrono::milliseconds per{60'000};
    std::chrono::milliseconds login_timeout{30'000};
};

class LoginServer {
public:
    LoginServer(demos::ServerProgram& program, const Settings& settings)
        : program_{program}, users_{settings.users}, attempts_{settings.attempts, settings.per} {}

    void come(Connection& client) {
        places_[client.id()] = demos::AttemptLimit::place(client.peer());
        client.send(demos::login_greeting);
    }

    std::size_t hear(Connection& client, ByteView bytes) {
        const Frame frame = demos::ObjectFraming{longest_login}.first(bytes);
        if (frame.state == Frame::State::partial) return 0;
        if (frame.state == Frame::State::refused)
            program_.reject(client,
                            demos::begins_an_object(text_of(bytes)) ? "too-long" : "malformed");
        else
            ask(client, text_of(frame.message));
        return bytes.size();
    }

    void gone(const Connection& client) { places_.erase(client.id()); }

private:
    void ask(Connection& client, std::string_view message) {
        client.pause_reading(); // one login, whatever follows it
        std::optional<demos::Login> login = demos::Login::parse(message);
        if (!login) return program_.reject(client, "malformed");
        const std::string& place = places_[client.id()];
        if (!attempts_.take(place, client.loop().now()))
            return program_.reject(client, "too-many-attempts");
        const bool taken = pool_.submit(
            client.loop(),
            [this, login = std::move(*login)] {
                return users_.check(login.name, login.password.text());
            },
            [this, id = client.id(), place](WorkResult<demos::UserFile::Verdict> verdict) {
                answer(id, place, std::move(verdict));
            });
        if (!taken) program_.reject(client, "busy");
    }

    void answer(ConnectionId id, const std::string& place,
                WorkResult<demos::UserFile::Verdict> result) {
        Connection* const client = program_.server().connections().find(id);
        if (result.failed()) {
            if (client != nullptr) program_.reject(*client, "users-file");
            return;
        }
        const demos::UserFile::Verdict verdict = result.get();
        if (verdict.right) attempts_.give_back(place);
        if (client != nullptr) tell(*client, verdict.right);
        // Last: there may be no memory for it.
        program_.counters().count("hashed", verdict.hashed);
        if (client != nullptr)
            program_.counters().count(verdict.right ? "logins.right" : "logins.wrong");
    }

    // Without memory for it the client need not wait for what does not come.
    static void tell(Connection& client, bool right) {
        try {
            client.send(right ? demos::login_right : demos::login_wrong);
            client.close();
        } catch (const std::bad_alloc&) {
            client.abort();
        }
    }

    demos::ServerProgram& program_;
    demos::UserFile users_;
    demos::AttemptLimit attempts_;
    std::map<ConnectionId, std::string> places_;
    WorkerPool pool_{pool_options}; // last: its threads use the file of users
};

// The server goes with its handlers, and so before the loop: its threads post there.
ConnectionHandlers handlers(demos::ServerProgram& program, const Settings& settings) {
    const auto login = std::make_shared<LoginServer>(program, settings);
    return {.on_open = [login](Connection& client) { login->come(client); },
            .on_data = [login](Connection& client,
                               ByteView bytes) { return login->hear(client, bytes); },
            .on_end = [&program](Connection& client) { program.reject(client, "unfinished"); },
            .on_close = [login](Connection& client, const Closed&) { login->gone(client); }};
}

// --add-user
bool add_user(const Settings& settings) {
    if (settings.users.empty()) throw std::invalid_argument{"--users is missing: a file"};
    if (settings.add_user.empty()) return false;
    if (!settings.password_stdin || ::isatty(STDIN_FILENO) != 0)
        throw std::invalid_argument{
            "--add-user takes the password from a pipe or a file: --password-stdin"};
    std::string line;
    std::getline(std::cin, line);
    if (line.ends_with('\r')) line.pop_back();
    const demos::Secret password{std::move(line)};
    demos::UserFile::add(settings.users, settings.add_user, password.text());
    return true;
}

} // namespace

int main(int argc, char** argv) {
    demos::ServerProgram program{"login_server", "Says whether a name and a password are right."};
    Settings settings;
    demos::Options& options = program.options();
    options.text("--users", settings.users, "file of users: NAME:HASH on each line");
    options.text("--add-user", settings.add_user, "add a user to the file, and end");
    options.flag("--password-stdin", settings.password_stdin,
                 "the new user's password is the first line of standard input");
    options.number("--attempts", settings.attempts, 1, 1'000'000'000,
                   "how often an address may be wrong before it is not answered");
    options.duration("--per", settings.per, "and for how long that counts");
    options.duration("--login-timeout", settings.login_timeout,
                     "how long a client may take, from its coming to its end");
    program.sandbox().allow(demos::Permission::read_files); // the users may change
    program.set_instead([&] { return add_user(settings); });
    return program.run(argc, argv, [&](EventLoop&) {
        // Nobody is ever admitted: a right password is told so, and that was all.
        program.limits().connection.admission = {
            .timeout = settings.login_timeout, .input_limit = longest_login, .output_limit = 1024};
        return handlers(program, settings);
    });
}
