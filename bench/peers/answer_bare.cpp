// Large answers to small requests on a bare epoll loop, with writability asked for in two ways:
// only while an answer waits, at the price of an epoll_ctl when it begins to and another when it is
// out; or once and for all, which only edge triggering allows. Nothing else differs.

#include "echo_conversation.hpp"
#include "echo_program.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <pollux/error.hpp>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <utility>
#include <vector>

namespace {

constexpr const char* about = "answers each request with many bytes, on a bare loop of epoll.";
constexpr std::size_t largest = std::size_t{1} << 30U;

struct Answers {
    std::size_t request = 64;
    std::size_t answer = std::size_t{1} << 20U;
    std::string trigger = "level";
    std::string registered = "switched";
};

class Client {
public:
    Client() = default;
    explicit Client(int fd) : fd_{fd} {}

    int fd() const noexcept { return fd_.get(); }
    bool answer_waits() const noexcept { return owed_ > 0; }

    /// Writes and reads until neither can go on. False when the connection is over.
    bool serve(const Answers& how) {
        static constexpr std::array<char, std::size_t{1} << 18U> bytes{};
        std::array<char, 4096> requests{};
        for (;;) {
            while (owed_ > 0) {
                const std::size_t most = std::min(owed_, bytes.size());
                const ssize_t sent = send(fd(), bytes.data(), most, MSG_NOSIGNAL);
                if (sent < 0) return errno == EAGAIN;
                owed_ -= static_cast<std::size_t>(sent);
            }
            const ssize_t received = recv(fd(), requests.data(), requests.size(), 0);
            if (received < 0) return errno == EAGAIN;
            if (received == 0) return false;
            asked_ += static_cast<std::size_t>(received);
            owed_ = asked_ / how.request * how.answer;
            asked_ %= how.request;
        }
    }

private:
    pollux::Fd fd_;
    std::size_t asked_ = 0; // bytes of a request that is not complete
    std::size_t owed_ = 0;
};

class Loop {
public:
    Loop(int listener, int termination, Answers how)
        : listener_{listener}, termination_{termination}, how_{std::move(how)} {
        control(EPOLL_CTL_ADD, listener_, EPOLLIN);
        control(EPOLL_CTL_ADD, termination_, EPOLLIN);
    }

    void run() {
        std::array<epoll_event, 256> events{};
        for (;;) {
            const int count = epoll_wait(epoll_.get(), events.data(), events.size(), -1);
            if (count < 0 && errno != EINTR) pollux::throw_system_error(errno, "epoll_wait");
            for (int i = 0; i < count; ++i) {
                const int fd = events[static_cast<std::size_t>(i)].data.fd;
                if (fd == termination_) return;
                fd == listener_ ? accept() : visit(fd);
            }
        }
    }

private:
    void control(int operation, int fd, std::uint32_t events) {
        epoll_event event{.events = events, .data = {.fd = fd}};
        pollux::check(epoll_ctl(epoll_.get(), operation, fd, &event), "epoll_ctl");
    }

    std::uint32_t interest(bool writes) const {
        const std::uint32_t trigger = how_.trigger == "edge" ? std::uint32_t{EPOLLET} : 0;
        if (how_.registered == "once") return trigger | EPOLLIN | EPOLLOUT;
        return trigger | (writes ? std::uint32_t{EPOLLOUT} : std::uint32_t{EPOLLIN});
    }

    void accept() {
        const int fd = echo::accept_client(listener_);
        if (fd < 0) return;
        const auto place = static_cast<std::size_t>(fd);
        if (place >= clients_.size()) clients_.resize(place + 1);
        clients_[place] = Client{fd};
        control(EPOLL_CTL_ADD, fd, interest(false));
    }

    void visit(int fd) {
        Client& client = clients_[static_cast<std::size_t>(fd)];
        const bool waited = client.answer_waits();
        if (!client.serve(how_))
            client = {};
        else if (client.answer_waits() != waited && how_.registered == "switched")
            control(EPOLL_CTL_MOD, fd, interest(client.answer_waits()));
    }

    const pollux::Fd epoll_{pollux::check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
    const int listener_;
    const int termination_;
    const Answers how_;
    std::vector<Client> clients_; // by their descriptors
};

} // namespace

int main(int argc, char** argv) {
    Answers how;
    echo::Program program{.name = "answer_bare", .version = {}, .about = about};
    program.options.number("--request", how.request, 1, largest, "bytes of a request (64)");
    program.options.number("--answer", how.answer, 1, largest, "bytes of an answer (1048576)");
    program.options.choice("--trigger", how.trigger, "level|edge",
                           "when a ready descriptor is reported again (level)");
    program.options.choice("--registered", how.registered, "switched|once",
                           "writability: while an answer waits, or always (switched)");

    return echo::run(argc, argv, std::move(program), [&](const echo::Settings& settings) {
        if (how.registered == "once" && how.trigger == "level")
            throw echo::Failure{"--registered once: at level it would be reported all the time"};
        const pollux::Fd listener = echo::listen(settings);
        const pollux::Fd termination = echo::termination();
        Loop loop{listener.get(), termination.get(), how};
        echo::announce(listener.get());
        loop.run();
    });
}
