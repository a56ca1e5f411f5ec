#include <pollux/net/blocking_socket.hpp>

#include <algorithm>
#include <cerrno>
#include <poll.h>
#include <pollux/clock.hpp>
#include <pollux/error.hpp>
#include <pollux/net/resolve.hpp>
#include <string_view>
#include <system_error>
#include <vector>

#include "sys.hpp"
#include "timespec.hpp"

namespace pollux {
namespace {

using namespace std::chrono_literals;

// No readiness tells that a Unix listener, or receiver, has room in its queue again.
constexpr std::chrono::nanoseconds queue_nap = 10ms;

// One call, what it is called in errors, and when it has to be done.
class Attempt {
public:
    Attempt(Socket& socket, BlockingSocket::Timeout timeout, std::string_view call)
        : socket_{socket}, call_{call} {
        if (timeout) due_ = later(Clock::now(), *timeout);
    }

    [[noreturn]] void fail(int error) const {
        throw_system_error(error, call_, socket_.to_string());
    }

    void await(short events) const {
        pollfd entry{.fd = socket_.fd(), .events = events, .revents = 0};
        for (;;) {
            const int ready = wait(&entry, 1, left());
            if (ready > 0) return;
            if (ready == 0) fail(ETIMEDOUT);
            if (errno != EINTR) fail(errno);
        }
    }

    void nap() const {
        if (left() <= 0ns) fail(ETIMEDOUT);
        wait(nullptr, 0, std::min(left(), queue_nap));
    }

    // Tries `act` until it does not say would_block. What says so although it is ready (a Unix
    // datagram socket that is not connected, whose receiver has no room) must not spin.
    template <class Act> auto repeat(short events, Act act) const {
        for (bool awaited = false;; awaited = !awaited) {
            const auto result = act();
            if (result.state == IoState::error) fail(result.error);
            if (result.state != IoState::would_block) return result;
            if (awaited)
                nap();
            else
                await(events);
        }
    }

private:
    std::chrono::nanoseconds left() const {
        return due_ ? std::max(*due_ - Clock::now(), Clock::duration::zero())
                    : Clock::duration::max();
    }
    static int wait(pollfd* entry, nfds_t count, std::chrono::nanoseconds limit) noexcept {
        const timespec timeout = to_timespec(limit);
        return sys::ppoll(entry, count, limit == Clock::duration::max() ? nullptr : &timeout,
                          nullptr);
    }

    Socket& socket_;
    std::string_view call_;
    std::optional<Clock::time_point> due_;
};

} // namespace

BlockingSocket BlockingSocket::connected_to(const Address& address, Timeout timeout) {
    BlockingSocket socket{Socket::open(address.family()), timeout};
    socket.connect(address);
    return socket;
}

BlockingSocket BlockingSocket::connected_to(std::string_view host, std::string_view service,
                                            Timeout timeout) {
    const std::vector<Address> addresses = resolve(host, service);
    for (std::size_t place = 0; place + 1 < addresses.size(); ++place) {
        try {
            return connected_to(addresses[place], timeout);
        } catch (const std::system_error&) { // the next one may do better
        }
    }
    return connected_to(addresses.back(), timeout);
}

void BlockingSocket::connect(const Address& address) {
    const std::string call = "connect " + address.to_string();
    const Attempt attempt{socket_, timeout_, call};
    ConnectResult result = socket_.connect(address);
    for (; result.error == EAGAIN && address.family() == AF_UNIX; result = socket_.connect(address))
        attempt.nap();
    if (result.state == ConnectState::connected) return;
    if (result.state == ConnectState::error) attempt.fail(result.error);
    attempt.await(POLLOUT);
    if (const std::error_code error = socket_.take_error()) attempt.fail(error.value());
}

BlockingSocket BlockingSocket::accept() {
    const Attempt attempt{socket_, timeout_, "accept"};
    for (;;) {
        Accepted accepted = socket_.accept();
        if (accepted.error == 0) return BlockingSocket{std::move(accepted.socket), timeout_};
        if (accepted.error == EAGAIN)
            attempt.await(POLLIN);
        else if (accepted.error != ECONNABORTED)
            attempt.fail(accepted.error);
    }
}

std::size_t BlockingSocket::receive(std::span<std::byte> into, int flags) {
    const Attempt attempt{socket_, timeout_, "receive"};
    return attempt.repeat(POLLIN, [&] { return socket_.receive(into, flags); }).bytes;
}

std::size_t BlockingSocket::receive_exactly(std::span<std::byte> into) {
    const Attempt attempt{socket_, timeout_, "receive"};
    std::size_t received = 0;
    while (received < into.size()) {
        const IoResult result =
            attempt.repeat(POLLIN, [&] { return socket_.receive(into.subspan(received)); });
        if (result.state == IoState::end) break;
        received += result.bytes;
    }
    return received;
}

std::size_t BlockingSocket::send(ByteView bytes, int flags) {
    const Attempt attempt{socket_, timeout_, "send"};
    return attempt.repeat(POLLOUT, [&] { return socket_.send(bytes, flags); }).bytes;
}

void BlockingSocket::send_all(ByteView bytes) {
    const Attempt attempt{socket_, timeout_, "send"};
    while (!bytes.empty())
        bytes = bytes.subspan(attempt.repeat(POLLOUT, [&] { return socket_.send(bytes); }).bytes);
}

ReceivedFrom BlockingSocket::receive_from(std::span<std::byte> into, int flags) {
    const Attempt attempt{socket_, timeout_, "receive"};
    return attempt.repeat(POLLIN, [&] { return socket_.receive_from(into, flags); });
}

void BlockingSocket::send_to(ByteView bytes, const Address& to, int flags) {
    const std::string call = "send to " + to.to_string();
    const Attempt attempt{socket_, timeout_, call};
    attempt.repeat(POLLOUT, [&] { return socket_.send_to(bytes, to, flags); });
}

} // namespace pollux
