// Echo on io_uring by liburing. A completion engine: it is not told when a socket is ready, but
// when bytes have been received and sent. So it is no backend of a loop of readiness, and stands
// here for what another model costs.
//
// As io_uring's manual pages and liburing's "io_uring and networking in 2023" advise: one multishot
// accept, one multishot receive for each client, and a ring of provided buffers, so that idle
// clients hold none. What arrives is sent from the buffer that it arrived in, with MSG_DONTWAIT:
// such a send is over when it has been submitted, whatever the client does. IOSQE_CQE_SKIP_SUCCESS
// leaves out the completions of those that sent all, so one call sends the answer and waits for the
// next request. What the kernel did not take is copied, and sent by a request that waits; until
// that is done the client is not received from (the receive is cancelled).

#include "echo_program.hpp"
#include "echo_uring_ring.hpp"

#include "work.hpp"

#include <algorithm>
#include <cerrno>
#include <poll.h>
#include <pollux/error.hpp>
#include <sys/socket.h>
#include <utility>
#include <vector>

namespace {

using echo::Ring;

// What a completion is of; the rest of its 64 bits is the client's descriptor.
enum class Kind : std::uint8_t { accept, end, receive, send_at_once, send_rest, ignored };

constexpr std::uint64_t mark(Kind kind, int fd = 0) {
    return static_cast<std::uint64_t>(fd) << 8U | static_cast<std::uint64_t>(kind);
}

struct Client {
    std::vector<char> waiting; // to be sent after what is being sent
    std::vector<char> sending; // from here, or
    std::uint16_t buffer = 0;  // from this buffer of the ring
    bool from_ring = false;    // tells from which
    std::size_t count = 0;     // bytes that are being sent at once
    bool open = false;
    bool receives = false;
    bool cancels = false; // the receive
    bool sends = false;
    bool blocked = false; // it has not read what it was sent
    bool ended = false;   // nothing more will come
};

class Server {
public:
    explicit Server(const echo::Settings& settings)
        : settings_(settings),
          ring_(settings.read_size),
          listener_(echo::listen(settings)),
          termination_(echo::termination()) {
        echo::make_blocking(listener_.get()); // or a request would complete with EAGAIN
        accept();
        io_uring_prep_poll_add(ring_.next(mark(Kind::end)), termination_.get(), POLLIN);
        ring_.submit_and_wait(0);
        echo::announce(listener_.get());
    }

    void run() {
        while (!over_) {
            ring_.submit_and_wait(std::exchange(more_to_do_, false) ? 0 : 1);
            ring_.take_completions(completions_);
            // First the sends of the last turn, since more may have come from the same clients.
            for (const io_uring_cqe& done : completions_)
                if (kind_of(done) == Kind::send_at_once) sent_a_part(fd_of(done), done.res);
            for (const int fd : std::exchange(sent_at_once_, {})) sent_all(fd);
            for (const io_uring_cqe& done : completions_) completed(done);
        }
        for (std::size_t fd = 0; fd < clients_.size(); ++fd)
            if (clients_[fd].open) close(static_cast<int>(fd));
    }

private:
    static Kind kind_of(const io_uring_cqe& done) {
        return static_cast<Kind>(done.user_data & 0xffU);
    }
    static int fd_of(const io_uring_cqe& done) { return static_cast<int>(done.user_data >> 8U); }
    Client& client_of(int fd) { return clients_[static_cast<std::size_t>(fd)]; }

    void completed(const io_uring_cqe& done) {
        const int fd = fd_of(done);
        switch (kind_of(done)) {
        case Kind::accept:
            return accepted(done);
        case Kind::end:
            over_ = true;
            return;
        case Kind::receive:
            received(fd, client_of(fd), done);
            return go_on(fd, client_of(fd));
        case Kind::send_rest:
            sent_rest(fd, client_of(fd), done.res);
            return go_on(fd, client_of(fd));
        case Kind::send_at_once:
        case Kind::ignored:
            return;
        }
    }

    void accept() {
        io_uring_prep_multishot_accept(ring_.next(mark(Kind::accept)), listener_.get(), nullptr,
                                       nullptr, SOCK_CLOEXEC);
    }

    void accepted(const io_uring_cqe& done) {
        if (done.res >= 0) {
            const auto place = static_cast<std::size_t>(done.res);
            if (place >= clients_.size()) clients_.resize(place + 1);
            clients_[place].open = true;
            receive(done.res, clients_[place]);
        } else if (done.res != -ECONNABORTED) {
            pollux::throw_system_error(-done.res, "accept");
        }
        if ((done.flags & IORING_CQE_F_MORE) == 0) accept();
    }

    void receive(int fd, Client& client) {
        io_uring_sqe* const request = ring_.next(mark(Kind::receive, fd));
        io_uring_prep_recv_multishot(request, fd, nullptr, 0, 0);
        request->flags |= IOSQE_BUFFER_SELECT;
        request->buf_group = Ring::group;
        client.receives = true;
    }

    void received(int fd, Client& client, const io_uring_cqe& done) {
        if ((done.flags & IORING_CQE_F_MORE) == 0) client.receives = client.cancels = false;
        if (done.res > 0)
            take(fd, client, Ring::buffer_of(done), static_cast<std::size_t>(done.res));
        else if (done.res != -ENOBUFS && done.res != -ECANCELED)
            client.ended = true;
        if (done.res < 0 && client.ended) client.waiting = {};
    }

    void take(int fd, Client& client, std::uint16_t buffer, std::size_t count) {
        bench::burn(settings_.work);
        const char* const bytes = ring_.bytes(buffer);
        if (client.sends) {
            client.waiting.insert(client.waiting.end(), bytes, bytes + count);
            return ring_.give_back(buffer);
        }
        client.buffer = buffer;
        client.from_ring = true;
        send_at_once(fd, client, bytes, count);
    }

    void send_at_once(int fd, Client& client, const char* bytes, std::size_t count) {
        client.count = count;
        client.sends = true;
        sent_at_once_.push_back(fd);
        io_uring_sqe* const request = ring_.next(mark(Kind::send_at_once, fd));
        io_uring_prep_send(request, fd, bytes, count, MSG_DONTWAIT | MSG_WAITALL | MSG_NOSIGNAL);
        request->flags |= IOSQE_CQE_SKIP_SUCCESS;
    }

    // With MSG_WAITALL a send of less than all is no success.
    void sent_a_part(int fd, int result) {
        Client& client = client_of(fd);
        if (result < 0 && result != -EAGAIN) {
            give_up(fd, client);
        } else {
            const char* const bytes =
                client.from_ring ? ring_.bytes(client.buffer) : client.sending.data();
            client.waiting.insert(client.waiting.begin(), bytes + std::max(result, 0),
                                  bytes + client.count);
            client.blocked = true;
        }
        sent_all(fd);
    }

    // Where no completion says otherwise.
    void sent_all(int fd) {
        Client& client = client_of(fd);
        if (client.count == 0) return;
        client.count = 0;
        client.sends = false;
        client.sending = {};
        if (std::exchange(client.from_ring, false)) ring_.give_back(client.buffer);
        go_on(fd, client);
    }

    void sent_rest(int fd, Client& client, int result) {
        client.sends = false;
        if (result < 0)
            give_up(fd, client);
        else // all, with MSG_WAITALL, unless the client is gone
            client.waiting.insert(client.waiting.begin(), client.sending.begin() + result,
                                  client.sending.end());
        client.sending = {};
        client.blocked = !client.waiting.empty();
    }

    // Shut down, so that the request that receives completes too.
    static void give_up(int fd, Client& client) {
        client.ended = true;
        client.waiting = {};
        shutdown(fd, SHUT_RDWR);
    }

    void go_on(int fd, Client& client) {
        if (!client.sends && !client.waiting.empty()) send_waiting(fd, client);
        if (client.blocked && client.receives && !std::exchange(client.cancels, true))
            io_uring_prep_cancel64(ring_.next(mark(Kind::ignored)), mark(Kind::receive, fd), 0);
        if (!client.blocked && !client.receives && !client.ended) receive(fd, client);
        // A send at once says nothing when it is over.
        if (client.count > 0 && (client.ended || !client.waiting.empty())) more_to_do_ = true;
        if (client.ended && !client.receives && !client.sends) {
            client = {};
            io_uring_prep_close(ring_.next(mark(Kind::ignored)), fd);
        }
    }

    void send_waiting(int fd, Client& client) {
        client.sending = std::exchange(client.waiting, {});
        if (!client.blocked)
            return send_at_once(fd, client, client.sending.data(), client.sending.size());
        client.sends = true;
        io_uring_prep_send(ring_.next(mark(Kind::send_rest, fd)), fd, client.sending.data(),
                           client.sending.size(), MSG_WAITALL | MSG_NOSIGNAL);
    }

    const echo::Settings settings_;
    Ring ring_;
    const pollux::Fd listener_;
    const pollux::Fd termination_;
    std::vector<Client> clients_; // by descriptor
    std::vector<int> sent_at_once_;
    std::vector<io_uring_cqe> completions_;
    bool more_to_do_ = false; // after the next call, whatever happens
    bool over_ = false;
};

} // namespace

int main(int argc, char** argv) {
    return echo::run(argc, argv,
                     {.name = "echo_uring",
                      .version = "liburing " LIBURING_VERSION,
                      .about = "echo on io_uring: completions, not readiness."},
                     [](const echo::Settings& settings) { Server{settings}.run(); });
}
