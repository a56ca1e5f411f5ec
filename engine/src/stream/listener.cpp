#include <pollux/stream/listener.hpp>

#include <cerrno>
#include <exception>
#include <pollux/fd.hpp>
#include <utility>

#include "sys.hpp"

namespace pollux {
namespace {

// Who comes while the queue is emptied is taken too, but not for ever.
constexpr int longest_queue = 65536;

int budget(const AcceptOptions& options) noexcept {
    if (options.accepts_per_visit > 0) return options.accepts_per_visit;
    const bool is_told_again =
        options.trigger == Trigger::level || options.trigger == Trigger::exclusive;
    return is_told_again ? 1 : 16;
}

} // namespace

// Shared with the callable of its watch, which the loop keeps alive while it runs: the callback may
// destroy the listener.
struct Listener::State {
    State(Socket listening, Accept accept, AcceptOptions how)
        : socket{std::move(listening)}, on_accept{std::move(accept)}, options{how} {
        keep_reserve();
    }

    void on_ready();
    bool accept_one();
    int shed_one();
    void back_off();
    void try_again();
    void keep_reserve() noexcept;
    void fail(int error);

    Socket socket;
    Accept on_accept;
    UniqueFunction<void(std::error_code)> on_error;
    AcceptOptions options;
    Fd reserve;
    std::uint64_t shed = 0;
    bool paused = false; // by the user
    Watch watch;         // of nothing, once the listener is gone or the socket broken
    Timer retry;
};

Listener::Listener(EventLoop& loop, Socket socket, Accept on_accept, AcceptOptions options)
    : state_{std::make_shared<State>(std::move(socket), std::move(on_accept), options)} {
    state_->retry =
        loop.run_at(Clock::time_point::max(), [state = state_.get()] { state->try_again(); });
    state_->retry.cancel();
    state_->watch = loop.watch(state_->socket.fd(), Interest::read, options.trigger,
                               [state = state_](Readiness) { state->on_ready(); });
}

Listener::~Listener() {
    if (state_ == nullptr) return;
    state_->watch.stop();
    state_->retry = {};
}

Listener::Listener(Listener&&) noexcept = default;

Listener& Listener::operator=(Listener&& other) noexcept {
    const Listener former{std::move(*this)}; // listens no more when this returns
    state_ = std::move(other.state_);
    return *this;
}

Address Listener::address() const { return state_->socket.local(); }
std::uint64_t Listener::shed() const noexcept { return state_->shed; }

void Listener::pause() {
    state_->paused = true;
    if (state_->watch) state_->watch.pause();
}

void Listener::resume() {
    state_->paused = false;
    if (state_->watch && !state_->retry.armed()) state_->try_again();
}

void Listener::accept_waiting() {
    const auto state = state_; // the callback may destroy the listener
    for (int left = longest_queue; left > 0; --left)
        if (!state->watch || state->watch.paused() || !state->accept_one()) return;
}

void Listener::set_on_error(UniqueFunction<void(std::error_code)> on_error) {
    state_->on_error = std::move(on_error);
}

void Listener::State::on_ready() {
    // On every way out, an exception of the callback included, the listener must hear of what it
    // left in the queue: an edge will not be told again, a one-shot watch not at all.
    struct Visit {
        State& state;
        bool drained = false;
        ~Visit() {
            if (!state.watch || state.watch.paused()) return;
            try {
                if (state.options.trigger == Trigger::one_shot)
                    state.watch.rearm();
                else if (state.options.trigger == Trigger::edge && !drained)
                    state.watch.again();
            } catch (const std::exception&) { // no memory: try again later
                state.back_off();
            }
        }
    } visit{*this};
    for (int left = budget(options); left > 0 && watch && !watch.paused(); --left) {
        if (accept_one()) continue;
        visit.drained = true;
        return;
    }
}

// False: there is nothing to accept now, and it will be told when there is.
bool Listener::State::accept_one() {
    Accepted accepted = socket.accept();
    if (accepted.error == 0) {
        on_accept(std::move(accepted.socket));
        return true;
    }
    switch (accepted.error) {
    case EAGAIN:
        return false;
    case EMFILE:
    case ENFILE:
        // Linux looks for a descriptor before it looks into the queue, which may be empty.
        if (const int error = shed_one(); error == 0 || error == EAGAIN) return error == 0;
        [[fallthrough]];
    case ENOBUFS:
    case ENOMEM:
        back_off();
        return false;
    case EBADF:
    case EFAULT:
    case EINVAL:
    case ENOTSOCK:
        fail(accepted.error);
        return false;
    default: // what befell that one connection; accept(2) "Error handling"
        return true;
    }
}

// Marc Lehmann's trick (libev, "accept()ing when you can't"): the descriptor kept in reserve makes
// room for the client just long enough to close it.
int Listener::State::shed_one() {
    if (!reserve) return EMFILE;
    reserve.reset();
    Accepted accepted = socket.accept();
    accepted.socket.close();
    keep_reserve();
    if (accepted.error == 0) ++shed;
    return accepted.error;
}

void Listener::State::keep_reserve() noexcept {
    if (!reserve) reserve.reset(sys::eventfd(0, EFD_CLOEXEC));
}

void Listener::State::back_off() {
    watch.pause();
    retry.run_after(options.back_off);
    keep_reserve();
}

void Listener::State::try_again() {
    if (paused) return;
    try {
        watch.resume();
    } catch (const std::exception&) { // no memory for that either
        retry.run_after(options.back_off);
    }
}

void Listener::State::fail(int error) {
    watch.stop();
    retry.cancel();
    // It may put another in its place.
    if (auto told = std::exchange(on_error, {})) told({error, std::generic_category()});
}

} // namespace pollux
