// Echo on libevent's bufferevents: streams with a buffer for each direction, which read and write
// by themselves.
//
// As its book advises in "Bufferevents: concepts and basics": the read callback moves what came
// from the input to the output without copying it (evbuffer_add_buffer). As its sample le-proxy
// does, a client with much output waiting is not read from, and has a write callback until that is
// written; one that ends is kept until it has its answer.
//
// A bufferevent never writes from within the callback: it asks for writability first, which is two
// epoll_ctl and a wait more for each answer. It asks how much there is (FIONREAD) before it reads,
// and in libevent 2.1 it reads 4096 bytes at most, so --read-size can only lower that. No setting
// changes any of this.

#include "echo_libevent_base.hpp"

#include "work.hpp"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <set>
#include <stdexcept>
#include <utility>

namespace {

class Server {
public:
    explicit Server(echo::Settings settings) : settings_(std::move(settings)) {}
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server() {
        for (bufferevent* const client : clients_) bufferevent_free(client);
    }

    void run() {
        base_.run(settings_, [this](int fd) { accept(fd); });
    }

private:
    static std::size_t unwritten(bufferevent* client) {
        return evbuffer_get_length(bufferevent_get_output(client));
    }

    static void readable(bufferevent* client, void* self) {
        const auto& server = *static_cast<Server*>(self);
        bench::burn(server.settings_.work);
        evbuffer_add_buffer(bufferevent_get_output(client), bufferevent_get_input(client));
        if (unwritten(client) <= server.settings_.read_size) return;
        bufferevent_disable(client, EV_READ);
        bufferevent_setcb(client, readable, read_again, ended, self);
    }

    static void read_again(bufferevent* client, void* self) {
        bufferevent_setcb(client, readable, nullptr, ended, self);
        bufferevent_enable(client, EV_READ);
    }

    static void ended(bufferevent* client, short events, void* self) {
        if ((events & BEV_EVENT_ERROR) == 0 && unwritten(client) > 0)
            bufferevent_setcb(client, nullptr, leave, leave_at_once, self);
        else
            leave(client, self);
    }

    static void leave_at_once(bufferevent* client, short /*events*/, void* self) {
        leave(client, self);
    }

    static void leave(bufferevent* client, void* self) {
        static_cast<Server*>(self)->clients_.erase(client);
        bufferevent_free(client);
    }

    void accept(int fd) {
        bufferevent* const client = bufferevent_socket_new(base_.get(), fd, BEV_OPT_CLOSE_ON_FREE);
        if (client == nullptr) throw std::runtime_error{"bufferevent_socket_new"};
        clients_.insert(client);
        bufferevent_set_max_single_read(client, settings_.read_size);
        bufferevent_set_max_single_write(client, settings_.read_size);
        bufferevent_setcb(client, readable, nullptr, ended, this);
        bufferevent_enable(client, EV_READ | EV_WRITE);
    }

    const echo::Settings settings_;
    echo::LibeventBase base_;
    std::set<bufferevent*> clients_;
};

} // namespace

int main(int argc, char** argv) {
    return echo::run(argc, argv,
                     {.name = "echo_libevent",
                      .version = echo::LibeventBase::version(),
                      .about = "echo on libevent's bufferevents."},
                     [](const echo::Settings& settings) { Server{settings}.run(); });
}
