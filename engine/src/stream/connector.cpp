#include <pollux/stream/connector.hpp>

#include <cerrno>
#include <new>
#include <utility>

namespace pollux {
namespace {

constexpr std::chrono::milliseconds retry_delay{10};

// TCP joins a socket to itself when it picks the very port it connects to as its own.
bool is_connected_to_itself(const Socket& socket, const Address& target) {
    return (target.family() == AF_INET || target.family() == AF_INET6) &&
           socket.local() == socket.peer();
}

} // namespace

struct Connector::Attempt {
    Attempt(EventLoop& on, const Address& to, Clock::duration timeout, Completion done)
        : loop{on},
          address{to},
          on_done{std::move(done)},
          deadline{loop.run_after(timeout, [this] { finish(ETIMEDOUT); })},
          next{loop.run_after({}, [this] { start(); })} {}

    // Completes in a later turn in every case: errors come out of a timer, success out of a watch.
    void start() {
        const int error = begin();
        if (error == EAGAIN && address.family() == AF_UNIX)
            next.run_after(retry_delay);
        else if (error != 0)
            finish(error);
    }

    int begin() noexcept {
        try {
            watch.stop();
            socket = Socket::open(address.family());
            const ConnectResult result = socket.connect(address);
            if (result.state == ConnectState::error) return result.error;
            // Level, on every backend: told until it is done.
            watch = loop.watch(socket.fd(), Interest::write, Trigger::level,
                               [this](Readiness) { finish(outcome()); });
            return 0;
        } catch (const std::system_error& error) {
            return error.code().value();
        } catch (const std::bad_alloc&) {
            return ENOMEM;
        }
    }

    int outcome() noexcept {
        try {
            if (const std::error_code error = socket.take_error()) return error.value();
            return is_connected_to_itself(socket, address) ? ECONNREFUSED : 0;
        } catch (const std::system_error& error) {
            return error.code().value();
        }
    }

    // The completion may destroy this object: what it needs goes to the stack first.
    void finish(int error) {
        watch.stop();
        deadline.cancel();
        next.cancel();
        Completion done = std::move(on_done);
        Socket connected = error == 0 ? std::move(socket) : Socket{};
        socket.close();
        done(std::move(connected), {error, std::generic_category()});
    }

    EventLoop& loop;
    Address address;
    Completion on_done;
    Socket socket;
    Watch watch;
    Timer deadline;
    Timer next; // the first try, and those after EAGAIN
};

Connector::Connector(EventLoop& loop, const Address& address, Clock::duration timeout,
                     Completion on_done)
    : attempt_{std::make_unique<Attempt>(loop, address, timeout, std::move(on_done))} {}
Connector::~Connector() = default;
Connector::Connector(Connector&&) noexcept = default;
Connector& Connector::operator=(Connector&&) noexcept = default;

} // namespace pollux
