#include <pollux/coro/acceptor.hpp>

#include <cerrno>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace pollux::coro {
namespace {

std::exception_ptr error_of(std::error_code code) {
    return std::make_exception_ptr(std::system_error{code, "coro::Acceptor"});
}

} // namespace

class AcceptorCore {
public:
    AcceptorCore(EventLoop& loop, Socket listening, AcceptOptions options)
        : listener{loop, std::move(listening), [this](Socket socket) { take(std::move(socket)); },
                   options} {
        listener.set_on_error([this](std::error_code code) { fail(code); });
    }
    ~AcceptorCore() {
        if (waiting == nullptr) return;
        waiting->core_ = nullptr;
        waiting->fail(error_of({EBADF, std::generic_category()}));
        waiting->resume_later();
    }
    AcceptorCore(const AcceptorCore&) = delete;
    AcceptorCore& operator=(const AcceptorCore&) = delete;

    // The task that goes on may destroy this object.
    void take(Socket socket) {
        if (waiting != nullptr) {
            waiting->socket_ = std::move(socket);
            std::exchange(waiting, nullptr)->resume();
        } else {
            kept = std::move(socket);
            listener.pause();
            paused = true;
        }
    }

    void fail(std::error_code code) {
        broken = code;
        if (waiting == nullptr) return;
        waiting->fail(error_of(code));
        std::exchange(waiting, nullptr)->resume();
    }

    Accept* waiting = nullptr;
    std::optional<Socket> kept;
    std::error_code broken;
    bool paused = false;
    Listener listener;
};

Accept::~Accept() { give_up(); }

bool Accept::give_up() noexcept {
    if (core_ != nullptr && core_->waiting == this) core_->waiting = nullptr;
    core_ = nullptr;
    return true;
}

// Nobody else takes its place, and it is told when the acceptor goes.
void Accept::put_off() {
    if (core_->waiting != nullptr) throw std::logic_error{"coro::Acceptor: two tasks accept"};
    core_->waiting = this;
}

bool Accept::start() {
    if (core_->waiting != this) put_off();
    if (core_->kept) {
        socket_ = *std::exchange(core_->kept, std::nullopt);
        return false;
    }
    if (core_->broken) std::rethrow_exception(error_of(core_->broken));
    if (std::exchange(core_->paused, false)) core_->listener.resume();
    return true;
}

Socket Accept::await_resume() {
    give_up(); // whoever gets the socket may destroy the acceptor in the same expression
    finish();
    return std::move(socket_);
}

Acceptor::Acceptor(EventLoop& loop, Socket listening, AcceptOptions options)
    : core_{std::make_unique<AcceptorCore>(loop, std::move(listening), options)} {}
Acceptor::~Acceptor() = default;
Acceptor::Acceptor(Acceptor&&) noexcept = default;
Acceptor& Acceptor::operator=(Acceptor&&) noexcept = default;

Accept Acceptor::accept() noexcept { return Accept{*core_}; }
Address Acceptor::address() const { return core_->listener.address(); }
std::uint64_t Acceptor::shed() const noexcept { return core_->listener.shed(); }

} // namespace pollux::coro
