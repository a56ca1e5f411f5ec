// Echo on libev: one ev_io for each client.
//
// As its manual ev(3) advises: the watcher is a member of the client's own structure ("Associating
// custom data with a watcher"); descriptors do not block, and a read that finds nothing is no error
// ("The special problem of disappearing/spurious readiness notifications"); ev_io_modify where only
// the events change; ev_signal for the end. It writes at once, and asks for EV_WRITE only when the
// kernel has not taken all.

#include "echo_conversation.hpp"
#include "echo_program.hpp"

#include <csignal>
#include <ev.h>
#include <exception>
#include <stdexcept>
#include <string>

namespace {

using echo::Conversation;

class Server;

struct Client {
    Client(int number, Server& of);

    ev_io watcher{};
    pollux::Fd fd;
    Server& server;
    Conversation conversation;
};

class Server {
public:
    explicit Server(const echo::Settings& settings)
        : service_{settings.read_size, settings.work}, listener_(echo::listen(settings)) {
        if (loop_ == nullptr) throw std::runtime_error{"ev_default_loop: no loop"};
        ev_io_init(&accepting_, on_accept, listener_.get(), EV_READ);
        accepting_.data = this;
        ev_io_start(loop_, &accepting_);
        ev_signal_init(&terminated_, on_signal, SIGTERM);
        ev_signal_init(&interrupted_, on_signal, SIGINT);
        ev_signal_start(loop_, &terminated_);
        ev_signal_start(loop_, &interrupted_);
        echo::announce(listener_.get());
    }

    void run() {
        ev_run(loop_, 0);
        if (failure_) std::rethrow_exception(failure_);
    }

private:
    static void on_signal(struct ev_loop* loop, ev_signal* /*signal*/, int /*events*/) {
        ev_break(loop, EVBREAK_ALL);
    }

    static void on_accept(struct ev_loop* /*loop*/, ev_io* watcher, int /*events*/) {
        static_cast<Server*>(watcher->data)->accept();
    }

    static void on_ready(struct ev_loop* /*loop*/, ev_io* watcher, int /*events*/) {
        auto& client = *static_cast<Client*>(watcher->data);
        client.server.visit(client);
    }

    // libev is C: no exception may pass through it.
    void accept() noexcept {
        try {
            const int fd = echo::accept_client(listener_.get());
            if (fd < 0) return;
            const auto place = static_cast<std::size_t>(fd);
            if (place >= clients_.size()) clients_.resize(place + 1);
            clients_[place] = std::make_unique<Client>(fd, *this);
            Client& client = *clients_[place];
            ev_io_init(&client.watcher, on_ready, fd, EV_READ);
            client.watcher.data = &client;
            ev_io_start(loop_, &client.watcher);
        } catch (...) {
            failure_ = std::current_exception();
            ev_break(loop_, EVBREAK_ALL);
        }
    }

    void visit(Client& client) {
        const int fd = client.fd.get();
        const bool flushing = client.conversation.answer_waits();
        const Conversation::Next next =
            flushing ? client.conversation.flush(fd)
                     : client.conversation.receive(fd, service_, echo::Reading::once);
        if (next == Conversation::Next::end) {
            ev_io_stop(loop_, &client.watcher);
            clients_[static_cast<std::size_t>(fd)].reset();
        } else if ((next == Conversation::Next::write) != flushing) {
            ev_io_stop(loop_, &client.watcher);
            ev_io_modify(&client.watcher, flushing ? EV_READ : EV_WRITE);
            ev_io_start(loop_, &client.watcher);
        }
    }

    struct ev_loop* const loop_ = ev_default_loop(EVFLAG_AUTO);
    const echo::Service service_;
    pollux::Fd listener_;
    ev_io accepting_{};
    ev_signal terminated_{};
    ev_signal interrupted_{};
    std::vector<std::unique_ptr<Client>> clients_; // by descriptor
    std::exception_ptr failure_;
};

Client::Client(int number, Server& of) : fd(number), server(of) {}

} // namespace

int main(int argc, char** argv) {
    const std::string version =
        "libev " + std::to_string(ev_version_major()) + '.' + std::to_string(ev_version_minor());
    return echo::run(argc, argv,
                     {.name = "echo_libev", .version = version, .about = "echo on libev, ev_io."},
                     [](const echo::Settings& settings) { Server{settings}.run(); });
}
