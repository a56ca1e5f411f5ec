#include <pollux/stream/relay.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <new>
#include <optional>
#include <pollux/error.hpp>
#include <utility>

#include "net/zero_copy.hpp"
#include "sys.hpp"

namespace pollux {
namespace {

constexpr std::size_t bytes_per_visit = std::size_t{1} << 18; // 256 KiB
constexpr std::size_t bytes_per_call = std::size_t{1} << 16;  // what a pipe holds

// One way, from a source to a target. The pipe is filled only when it is empty. So a splice into it
// that would block means that the source has nothing, never that the pipe is full; and when the
// source ends, all of it has been delivered.
struct Direction {
    Fd out; // of the pipe
    Fd in;
    std::size_t held = 0;
    std::uint64_t delivered = 0;
    bool ended = false;
};

struct Side {
    Socket socket;
    std::optional<Interest> asked; // of the watch; nothing: it is paused
    Watch watch;
};

void make_pipe(Direction& direction) {
    std::array<int, 2> ends{};
    check(sys::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), "pipe2");
    direction.out.reset(ends[0]);
    direction.in.reset(ends[1]);
}

// TCP's splice reports an end where it meets the urgent byte. A read passes that, and tells a real
// end.
IoResult pass_what_looks_like_the_end(Socket& source, const Fd& pipe) noexcept {
    std::array<std::byte, PIPE_BUF> some;
    IoResult result = source.read(some);
    if (result.state != IoState::ok) return result;
    // A pipe that is empty takes so much at once.
    const ssize_t kept = sys::write(pipe.get(), some.data(), result.bytes);
    if (kept != static_cast<ssize_t>(result.bytes))
        return {.bytes = 0, .state = IoState::error, .error = kept < 0 ? errno : EIO};
    return result;
}

IoResult fill(Socket& source, Direction& direction) noexcept {
    IoResult result = splice_from_socket(source.fd(), direction.in.get(), bytes_per_call);
    if (result.state == IoState::end) result = pass_what_looks_like_the_end(source, direction.in);
    direction.held += result.bytes;
    return result;
}

IoResult empty(Direction& direction, Socket& target) noexcept {
    const IoResult result = splice_to_socket(direction.out.get(), target.fd(), direction.held);
    direction.held -= result.bytes;
    direction.delivered += result.bytes;
    return result;
}

} // namespace

// Shared with the callables of its watches, which the loop keeps alive while they run: the
// completion may destroy the relay.
struct Relay::State {
    State(EventLoop& on, Socket one, Socket other, const RelayOptions& how, Completion done)
        : loop{on}, options{how}, on_done{std::move(done)} {
        sides[0].socket = std::move(one);
        sides[1].socket = std::move(other);
        for (Direction& direction : from) make_pipe(direction);
    }

    void on_ready(std::size_t side, Readiness ready);
    int visit(std::size_t side, Readiness ready);
    int move(std::size_t source);
    void go_on_later(std::size_t source);
    std::optional<Interest> wanted(std::size_t side) const noexcept;
    void adjust(std::size_t side, bool fired);
    void on_idle();
    void finish(RelayEnd end, int error = 0);
    void close() noexcept;

    EventLoop& loop;
    RelayOptions options;
    Completion on_done;
    std::array<Direction, 2> from; // the source is the side of that number
    std::array<Side, 2> sides;
    Clock::time_point last_moved;
    Timer idle;
};

Relay::Relay(EventLoop& loop, Socket one, Socket other, RelayOptions options, Completion on_done)
    : state_{std::make_shared<State>(loop, std::move(one), std::move(other), options,
                                     std::move(on_done))} {
    // An edge costs nothing while nothing changes, so that watch is never changed either.
    const Interest interest =
        options.trigger == Trigger::edge ? Interest::read_write : Interest::read;
    try {
        for (std::size_t side = 0; side < 2; ++side) {
            Side& made = state_->sides[side];
            made.watch = loop.watch(
                made.socket.fd(), interest, options.trigger,
                [state = state_, side](Readiness ready) { state->on_ready(side, ready); });
            made.asked = interest;
        }
        if (options.idle_timeout == Clock::duration::max()) return;
        state_->last_moved = loop.now();
        state_->idle =
            loop.run_after(options.idle_timeout, [state = state_.get()] { state->on_idle(); });
    } catch (...) {
        state_->close(); // its watches hold it
        throw;
    }
}

Relay::~Relay() {
    if (state_ != nullptr) state_->close();
}

Relay::Relay(Relay&&) noexcept = default;

Relay& Relay::operator=(Relay&& other) noexcept {
    const Relay former{std::move(*this)}; // moves no more when this returns
    state_ = std::move(other.state_);
    return *this;
}

void Relay::State::on_ready(std::size_t side, Readiness ready) {
    int error = 0;
    try {
        error = visit(side, ready);
    } catch (const std::system_error& failure) {
        error = failure.code().value();
    } catch (const std::bad_alloc&) {
        error = ENOMEM;
    }
    if (error != 0)
        finish(RelayEnd::error, error);
    else if (from[0].ended && from[1].ended)
        finish(RelayEnd::both_ended);
}

// Returns the error that ends it; 0 if there is none.
int Relay::State::visit(std::size_t side, Readiness ready) {
    if (has(ready, Readiness::readable))
        if (const int error = move(side)) return error;
    if (has(ready, Readiness::writable) && from[1 - side].held > 0)
        if (const int error = move(1 - side)) return error;
    if (options.trigger == Trigger::edge) return 0;
    adjust(side, true);
    adjust(1 - side, false);
    return 0;
}

int Relay::State::move(std::size_t source) {
    Direction& direction = from[source];
    Socket& target = sides[1 - source].socket;
    for (std::size_t budget = bytes_per_visit; !direction.ended;) {
        if (budget == 0) {
            go_on_later(source);
            break;
        }
        const bool fills = direction.held == 0;
        const IoResult result =
            fills ? fill(sides[source].socket, direction) : empty(direction, target);
        if (result.state == IoState::error) return result.error;
        if (result.state == IoState::would_block) break;
        if (result.state == IoState::end) {
            if (!fills) return EIO; // the pipe has lost bytes
            direction.ended = true;
            // Who is gone already is told nothing: reading from it says how it went.
            target.shutdown_write();
        }
        if (!fills) budget -= std::min(budget, result.bytes);
        last_moved = loop.now();
    }
    return 0;
}

// At the other triggers the kernel tells again.
void Relay::State::go_on_later(std::size_t source) {
    if (options.trigger != Trigger::edge) return;
    if (from[source].held > 0)
        sides[1 - source].watch.again(Readiness::writable);
    else
        sides[source].watch.again(Readiness::readable);
}

std::optional<Interest> Relay::State::wanted(std::size_t side) const noexcept {
    const bool reads = !from[side].ended && from[side].held == 0;
    const bool writes = from[1 - side].held > 0;
    if (reads && writes) return Interest::read_write;
    if (reads) return Interest::read;
    if (writes) return Interest::write;
    return std::nullopt;
}

void Relay::State::adjust(std::size_t side, bool fired) {
    auto& [socket, asked, watch] = sides[side];
    const std::optional<Interest> interest = wanted(side);
    const bool disarmed = fired && options.trigger == Trigger::one_shot;
    if (interest == asked && !disarmed) return;
    if (interest)
        watch.set_interest(*interest);
    else
        watch.pause();
    asked = interest;
}

void Relay::State::on_idle() {
    const Clock::duration left = options.idle_timeout - (Clock::now() - last_moved);
    if (left > Clock::duration::zero())
        idle.run_after(left);
    else
        finish(RelayEnd::idle);
}

// The completion may destroy this object: what it needs goes to the stack first.
void Relay::State::finish(RelayEnd end, int error) {
    if (end != RelayEnd::both_ended)
        for (const Side& side : sides) {
            constexpr linger at_once{.l_onoff = 1, .l_linger = 0};
            sys::setsockopt(side.socket.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        }
    const RelayResult result{
        .from_one = from[0].delivered, .from_other = from[1].delivered, .end = end, .error = error};
    Completion done = std::move(on_done);
    close();
    done(result);
}

void Relay::State::close() noexcept {
    idle.cancel();
    for (Side& side : sides) {
        side.watch.stop();
        side.socket.close();
    }
    for (Direction& direction : from) {
        direction.in.reset();
        direction.out.reset();
    }
}

} // namespace pollux
