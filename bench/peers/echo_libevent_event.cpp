// Echo on libevent's plain events: reading and writing are ours.
//
// As its book advises in "Working with events": a persistent event for each client, made with
// event_new, and assigned anew (event_assign, only while it is not pending) when the other
// direction is to be waited for. It writes at once, as the book's chapter on bufferevents describes
// doing it by hand.

#include "echo_conversation.hpp"
#include "echo_libevent_base.hpp"

#include <stdexcept>

namespace {

using echo::Conversation;

class Server {
public:
    explicit Server(const echo::Settings& settings)
        : settings_(settings), service_{settings.read_size, settings.work} {}

    void run() {
        base_.run(settings_, [this](int fd) { accept(fd); });
    }

private:
    struct Client {
        Server& server;
        pollux::Fd fd;
        Conversation conversation{};
        echo::Owned<event> watcher{}; // goes first: before its descriptor
    };

    static void ready(int /*fd*/, short /*events*/, void* client) {
        auto& it = *static_cast<Client*>(client);
        it.server.visit(it);
    }

    void accept(int fd) {
        const auto place = static_cast<std::size_t>(fd);
        if (place >= clients_.size()) clients_.resize(place + 1);
        clients_[place] = std::make_unique<Client>(Client{*this, pollux::Fd{fd}});
        Client& client = *clients_[place];
        client.watcher.reset(event_new(base_.get(), fd, EV_READ | EV_PERSIST, ready, &client));
        if (!client.watcher || event_add(client.watcher.get(), nullptr) < 0)
            throw std::runtime_error{"event_add"};
    }

    void visit(Client& client) {
        const int fd = client.fd.get();
        const bool flushing = client.conversation.answer_waits();
        const Conversation::Next next =
            flushing ? client.conversation.flush(fd)
                     : client.conversation.receive(fd, service_, echo::Reading::once);
        if (next == Conversation::Next::end) {
            clients_[static_cast<std::size_t>(fd)].reset();
        } else if ((next == Conversation::Next::write) != flushing) {
            event* const watcher = client.watcher.get();
            const int events = (flushing ? EV_READ : EV_WRITE) | EV_PERSIST;
            event_del(watcher);
            event_assign(watcher, base_.get(), fd, static_cast<short>(events), ready, &client);
            event_add(watcher, nullptr);
        }
    }

    const echo::Settings settings_;
    echo::LibeventBase base_;
    const echo::Service service_;
    std::vector<std::unique_ptr<Client>> clients_; // by descriptor
};

} // namespace

int main(int argc, char** argv) {
    return echo::run(argc, argv,
                     {.name = "echo_libevent_event",
                      .version = echo::LibeventBase::version(),
                      .about = "echo on libevent's plain events."},
                     [](const echo::Settings& settings) { Server{settings}.run(); });
}
