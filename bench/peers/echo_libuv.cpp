// Echo on libuv's streams.
//
// As its guide's chapter on networking advises: uv_read_start, and an answer by uv_write with a
// request that lives as long as its bytes, until its callback. The guide allocates both each time;
// here some are used again. --try-write calls uv_try_write first, which the manual of uv_stream_t
// offers for answers that can be written at once: it needs no request and no turn of the loop for
// the callback, and all clients can share one buffer. In both, reading stops (uv_read_stop) while
// the stream's write queue is not empty.

#include "echo_program.hpp"

#include "work.hpp"

#include <algorithm>
#include <csignal>
#include <memory>
#include <stdexcept>
#include <sys/socket.h>
#include <utility>
#include <uv.h>
#include <vector>

namespace {

void check(int result, const char* call) {
    if (result < 0) throw std::runtime_error{std::string{call} + ": " + uv_strerror(result)};
}

template <class Handle> uv_handle_t* handle_of(Handle* it) {
    return reinterpret_cast<uv_handle_t*>(it);
}
template <class Handle> uv_stream_t* stream_of(Handle* it) {
    return reinterpret_cast<uv_stream_t*>(it);
}

class Server;

// Bytes that wait to be written, and the request that writes them.
struct Answer;

struct Client {
    Server& server;
    uv_tcp_t socket{};
    std::unique_ptr<Answer> rest{}; // of an answer that could not be written at once
};

struct Answer {
    explicit Answer(std::size_t size) : bytes(std::make_unique_for_overwrite<char[]>(size)) {}

    uv_write_t request{};
    std::unique_ptr<char[]> bytes;
    Client* client = nullptr;
};

constexpr std::size_t most_spare = 64; // answers that are kept to be used again

class Server {
public:
    Server(const echo::Settings& settings, bool try_write)
        : settings_(settings), try_write_(try_write), shared_(settings.read_size) {
        pollux::Fd socket = echo::listen(settings); // first, since it may throw
        check(uv_loop_init(&loop_), "uv_loop_init");
        check(uv_tcp_init(&loop_, &listener_), "uv_tcp_init");
        listener_.data = this;
        check(uv_tcp_open(&listener_, socket.get()), "uv_tcp_open");
        const int number = socket.release();
        check(uv_listen(stream_of(&listener_), SOMAXCONN, on_client), "uv_listen");
        for (auto& [signal, watcher] : signals_) {
            check(uv_signal_init(&loop_, &watcher), "uv_signal_init");
            check(uv_signal_start(
                      &watcher, [](uv_signal_t* it, int) { uv_stop(it->loop); }, signal),
                  "uv_signal_start");
        }
        echo::announce(number);
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    ~Server() {
        const auto close = [](uv_handle_t* it, void* server) {
            if (uv_is_closing(it) != 0) return;
            const bool is_client =
                it->type == UV_TCP && it != handle_of(&static_cast<Server*>(server)->listener_);
            uv_close(it, is_client ? forget : nullptr);
        };
        uv_walk(&loop_, close, this);
        uv_run(&loop_, UV_RUN_DEFAULT);
        uv_loop_close(&loop_);
    }

    void run() {
        uv_run(&loop_, UV_RUN_DEFAULT);
        check(failure_, "uv_accept");
    }

private:
    static Client& client_of(void* handle) {
        return *static_cast<Client*>(static_cast<uv_handle_t*>(handle)->data);
    }

    static void forget(uv_handle_t* handle) {
        const std::unique_ptr<Client> owned{static_cast<Client*>(handle->data)};
    }

    static void close(Client& client) {
        if (uv_is_closing(handle_of(&client.socket)) == 0)
            uv_close(handle_of(&client.socket), forget);
    }

    static void on_client(uv_stream_t* listener, int status) {
        static_cast<Server*>(listener->data)->accept(status);
    }

    void accept(int status) {
        if (status == UV_ECONNABORTED || status == UV_EAGAIN) return;
        if (status < 0) {
            failure_ = status;
            uv_stop(&loop_);
            return;
        }
        auto* const client = new Client{*this}; // libuv has it until `forget`
        uv_tcp_init(&loop_, &client->socket);
        client->socket.data = client;
        if (uv_accept(stream_of(&listener_), stream_of(&client->socket)) < 0)
            close(*client);
        else
            read(*client);
    }

    void read(Client& client) {
        if (try_write_)
            uv_read_start(stream_of(&client.socket), lend_shared, read_and_try);
        else
            uv_read_start(stream_of(&client.socket), lend_answer, read_and_write);
    }

    // --try-write: one buffer for all, and a copy of what is left over.

    static void lend_shared(uv_handle_t* handle, std::size_t /*suggested*/, uv_buf_t* buffer) {
        std::vector<char>& shared = client_of(handle).server.shared_;
        *buffer = {.base = shared.data(), .len = shared.size()};
    }

    static void read_and_try(uv_stream_t* stream, ssize_t got, const uv_buf_t* buffer) {
        if (got == 0) return; // would have blocked
        Client& client = client_of(stream);
        if (got < 0) return close(client);
        bench::burn(client.server.settings_.work);
        const uv_buf_t all{.base = buffer->base, .len = static_cast<std::size_t>(got)};
        const int sent = uv_try_write(stream, &all, 1);
        if (sent < 0 && sent != UV_EAGAIN) return close(client);
        const std::size_t done = sent < 0 ? 0 : static_cast<std::size_t>(sent);
        if (done < all.len) client.server.write_rest(client, all.base + done, all.len - done);
    }

    void write_rest(Client& client, const char* bytes, std::size_t count) {
        uv_read_stop(stream_of(&client.socket));
        client.rest = std::make_unique<Answer>(count);
        std::copy_n(bytes, count, client.rest->bytes.get());
        client.rest->request.data = &client;
        const uv_buf_t rest{.base = client.rest->bytes.get(), .len = count};
        uv_write(&client.rest->request, stream_of(&client.socket), &rest, 1,
                 [](uv_write_t* request, int status) {
                     Client& it = *static_cast<Client*>(request->data);
                     it.rest.reset();
                     if (status < 0) return close(it);
                     it.server.read(it);
                 });
    }

    // Without it: the bytes are read to where they are written from.

    static void lend_answer(uv_handle_t* handle, std::size_t /*suggested*/, uv_buf_t* buffer) {
        Server& server = client_of(handle).server;
        if (server.spare_.empty())
            server.spare_.push_back(std::make_unique<Answer>(server.settings_.read_size));
        *buffer = {.base = server.spare_.back()->bytes.get(), .len = server.settings_.read_size};
    }

    static void read_and_write(uv_stream_t* stream, ssize_t got, const uv_buf_t* /*buffer*/) {
        if (got == 0) return;
        Client& client = client_of(stream);
        if (got < 0) return close(client);
        client.server.write(client, static_cast<std::size_t>(got));
    }

    // What was lent last is the last spare one still: libuv reads at once.
    void write(Client& client, std::size_t count) {
        bench::burn(settings_.work);
        Answer* const answer = spare_.back().release();
        spare_.pop_back();
        answer->client = &client;
        answer->request.data = answer;
        const uv_buf_t bytes{.base = answer->bytes.get(), .len = count};
        uv_write(&answer->request, stream_of(&client.socket), &bytes, 1, written);
        if (uv_stream_get_write_queue_size(stream_of(&client.socket)) > 0)
            uv_read_stop(stream_of(&client.socket));
    }

    static void written(uv_write_t* request, int status) {
        std::unique_ptr<Answer> answer{static_cast<Answer*>(request->data)};
        Client& client = *answer->client;
        auto& spare = client.server.spare_;
        if (spare.size() < most_spare) spare.push_back(std::move(answer));
        if (uv_is_closing(handle_of(&client.socket)) != 0) return;
        if (status < 0) return close(client);
        if (uv_stream_get_write_queue_size(stream_of(&client.socket)) == 0)
            client.server.read(client); // nothing happens when it reads already
    }

    const echo::Settings settings_;
    const bool try_write_;
    std::vector<char> shared_;
    std::vector<std::unique_ptr<Answer>> spare_;
    uv_loop_t loop_{};
    uv_tcp_t listener_{};
    std::pair<int, uv_signal_t> signals_[2]{{SIGTERM, {}}, {SIGINT, {}}};
    int failure_ = 0;
};

} // namespace

int main(int argc, char** argv) {
    bool try_write = false;
    echo::Program program{.name = "echo_libuv",
                          .version = std::string{"libuv "} + uv_version_string(),
                          .about = "echo on libuv's streams."};
    program.options.flag("--try-write", try_write, "write by uv_try_write as far as it goes");
    return echo::run(argc, argv, std::move(program), [&](const echo::Settings& settings) {
        Server{settings, try_write}.run();
    });
}
