#include "echo_bare.hpp"

#include <cerrno>
#include <pollux/error.hpp>
#include <sys/epoll.h>

namespace echo {
namespace {

class Epoll {
public:
    Epoll(int listener, int termination, const Service& service, const Bare& bare)
        : listener_(listener), termination_(termination), service_(service), bare_(bare) {
        control(EPOLL_CTL_ADD, listener_, EPOLLIN);
        control(EPOLL_CTL_ADD, termination_, EPOLLIN);
    }

    void run() {
        std::vector<epoll_event> events(1024);
        for (;;) {
            const int count =
                epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
            if (count < 0 && errno != EINTR) pollux::throw_system_error(errno, "epoll_wait");
            for (int i = 0; i < count; ++i) {
                const epoll_event& event = events[static_cast<std::size_t>(i)];
                if (event.data.fd == termination_) return;
                if (event.data.fd == listener_)
                    accept();
                else
                    visit(event.data.fd, event.events);
            }
        }
    }

private:
    // A client has its descriptor's number for a place. No other event of the same batch can mean
    // it, so a number that is freed and given out again confuses nobody.
    struct Client {
        pollux::Fd fd;
        Conversation conversation;
    };

    void control(int operation, int fd, std::uint32_t events) {
        epoll_event event{.events = events, .data = {.fd = fd}};
        pollux::check(epoll_ctl(epoll_.get(), operation, fd, &event), "epoll_ctl");
    }

    std::uint32_t interest(Conversation::Next next) const {
        std::uint32_t events = next == Conversation::Next::write ? EPOLLOUT : EPOLLIN;
        if (bare_.trigger == Trigger::edge) events |= EPOLLET | EPOLLRDHUP;
        if (bare_.trigger == Trigger::one_shot) events |= EPOLLONESHOT;
        return events;
    }

    void accept() {
        for (std::size_t taken = 0; taken < bare_.accepts; ++taken) {
            const int fd = accept_client(listener_);
            if (fd < 0) return;
            const auto place = static_cast<std::size_t>(fd);
            if (place >= clients_.size()) clients_.resize(place + 1);
            clients_[place].fd.reset(fd);
            control(EPOLL_CTL_ADD, fd, interest(Conversation::Next::read));
        }
    }

    void visit(int fd, std::uint32_t events) {
        Client& client = clients_[static_cast<std::size_t>(fd)];
        const bool flushing = client.conversation.answer_waits();
        // At edge a hang-up is told once: read on to it.
        const bool to_the_end = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
        const Conversation::Next next =
            flushing ? client.conversation.flush(fd)
                     : client.conversation.receive(
                           fd, service_, to_the_end ? Reading::until_blocked : bare_.reading);
        if (next == Conversation::Next::end) {
            client = {};
            return;
        }
        // Modifying asks the kernel to look again, so at edge nothing is missed that came while
        // the other direction was waited for.
        if ((next == Conversation::Next::write) != flushing || bare_.trigger == Trigger::one_shot)
            control(EPOLL_CTL_MOD, fd, interest(next));
    }

    const pollux::Fd epoll_{pollux::check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
    const int listener_;
    const int termination_;
    const Service& service_;
    const Bare bare_;
    std::vector<Client> clients_;
};

} // namespace

void serve_on_epoll(int listener, int termination, const Service& service, const Bare& bare) {
    Epoll loop{listener, termination, service, bare};
    announce(listener);
    loop.run();
}

} // namespace echo
