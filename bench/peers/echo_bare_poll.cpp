#include "echo_bare.hpp"

#include <cerrno>
#include <poll.h>
#include <pollux/error.hpp>

namespace echo {
namespace {

// Clients stand side by side in the array that the kernel reads; the last one fills the place of
// one that leaves.
class Poll {
public:
    Poll(int listener, int termination, const Service& service, const Bare& bare)
        : service_(service),
          bare_(bare),
          polled_{{.fd = termination, .events = POLLIN, .revents = 0},
                  {.fd = listener, .events = POLLIN, .revents = 0}} {}

    void run() {
        for (;;) {
            int left = poll(polled_.data(), polled_.size(), -1);
            if (left < 0 && errno != EINTR) pollux::throw_system_error(errno, "poll");
            if (polled_[0].revents != 0) return;
            const bool clients_wait = polled_[1].revents != 0;
            if (clients_wait) --left;
            for (std::size_t place = others; left > 0; ++place) {
                if (polled_[place].revents == 0) continue;
                --left;
                // Whoever fills the place of one that left is looked at too.
                if (!visit(place)) --place;
            }
            if (clients_wait) accept();
        }
    }

private:
    static constexpr std::size_t others = 2; // places that are no clients'

    struct Client {
        pollux::Fd fd;
        Conversation conversation;
    };

    void accept() {
        for (std::size_t taken = 0; taken < bare_.accepts; ++taken) {
            const int fd = accept_client(polled_[1].fd);
            if (fd < 0) return;
            clients_.push_back({.fd = pollux::Fd{fd}, .conversation = {}});
            polled_.push_back({.fd = fd, .events = POLLIN, .revents = 0});
        }
    }

    // False when the client has left.
    bool visit(std::size_t place) {
        Client& client = clients_[place - others];
        const int fd = client.fd.get();
        const Conversation::Next next =
            client.conversation.answer_waits()
                ? client.conversation.flush(fd)
                : client.conversation.receive(fd, service_, bare_.reading);
        if (next == Conversation::Next::end) {
            if (&client != &clients_.back()) client = std::move(clients_.back());
            clients_.pop_back();
            polled_[place] = polled_.back();
            polled_.pop_back();
            return false;
        }
        polled_[place].events = next == Conversation::Next::write ? POLLOUT : POLLIN;
        return true;
    }

    const Service& service_;
    const Bare bare_;
    std::vector<pollfd> polled_;
    std::vector<Client> clients_; // that of polled_[i] is clients_[i - others]
};

} // namespace

void serve_on_poll(int listener, int termination, const Service& service, const Bare& bare) {
    Poll loop{listener, termination, service, bare};
    announce(listener);
    loop.run();
}

} // namespace echo
