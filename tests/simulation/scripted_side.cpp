#include "simulation/scripted_side.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <functional>
#include <sstream>
#include <thread>

#include "support/observing.hpp"
#include "sys.hpp"

using namespace pollux;

namespace pollux_test {
namespace {

constexpr std::array interests{
    Interest::read,
    Interest::write,
    Interest::read_write,
    Interest::urgent,
    Interest::read | Interest::urgent,
    Interest::read_write | Interest::urgent,
};
constexpr std::array operation_names{"add",   "modify", "remove",      "write", "fill",
                                     "read",  "drain",  "take urgent", "shut",  "send urgent",
                                     "close", "reset",  "renew"};

constexpr std::chrono::seconds longest_wait{10};

// So few that the other end has always room for them.
constexpr std::size_t most_writes = 8;

constexpr std::uint64_t end_of(std::uint64_t token) { return token % (std::uint64_t{1} << 32U); }

template <class Done> bool wait_until(Done done) {
    const auto give_up = std::chrono::steady_clock::now() + longest_wait;
    while (!done()) {
        if (std::chrono::steady_clock::now() > give_up) return false;
        std::this_thread::yield();
    }
    return true;
}

} // namespace

std::string text_of(const Operation& operation) {
    return std::string{operation_names.at(static_cast<std::size_t>(operation.kind))} + " " +
           std::to_string(operation.end) + " " + std::to_string(operation.argument);
}

std::string text_of(const Found& found) {
    std::ostringstream text;
    text << "result " << found.result << ", waiting before " << found.before << ", states"
         << std::hex;
    for (const unsigned state : found.states) text << ' ' << state;
    for (const Found::Reports& reports : found.reports) {
        text << " | reported";
        for (const auto& [token, ready] : reports) text << ' ' << end_of(token) << '=' << ready;
    }
    return text.str();
}

bool agree(const Found& expected, const Found& real, Trigger trigger, std::size_t& extra) {
    if (expected.result != real.result || expected.before != real.before ||
        expected.states != real.states)
        return false;
    if (trigger != Trigger::edge) return expected.reports == real.reports;
    Found::Reports rest = real.reports.front();
    for (const auto& [token, ready] : expected.reports.front()) {
        if ((ready & ~rest[token]) != 0) return false;
        rest[token] &= ~ready;
    }
    for (const auto& [token, ready] : rest) extra += ready != 0 ? 1 : 0;
    return true;
}

ScriptedSide::ScriptedSide(const std::vector<Backend>& backends, Trigger trigger)
    : trigger_{trigger} {
    for (const Backend backend : backends) reactors_.push_back(make_reactor(backend));
    for (std::size_t end = 0; end < ends; end += 2) renew(end);
}

Token ScriptedSide::token_of(std::size_t end) const {
    return Token{std::uint64_t{ends_.at(end).generation} << 32U | end};
}

Found ScriptedSide::step(const Operation& operation, const Found* expected) {
    Found found;
    const bool reads =
        operation.kind == Operation::Kind::read || operation.kind == Operation::Kind::take_urgent;
    if (reads && !peer_of(operation.end).is_filled) {
        if (expected != nullptr)
            wait_until([&] { return waiting(operation.end) == expected->before; });
        found.before = waiting(operation.end);
    }
    found.result = carry_out(operation);
    found.states = states();
    if (expected != nullptr)
        wait_until([&] { return (found.states = states()) == expected->states; });
    found.reports.resize(reactors_.size());
    const auto look_at_all = [&] {
        for (std::size_t place = 0; place < reactors_.size(); ++place)
            look(place, found.reports.at(place));
        std::size_t ignored = 0;
        return expected == nullptr || agree(*expected, found, trigger_, ignored);
    };
    if (!look_at_all()) wait_until(look_at_all);
    arm(found, operation.argument);
    return found;
}

std::vector<unsigned> ScriptedSide::states() const {
    std::vector<unsigned> found;
    for (const End& end : ends_) {
        const unsigned room = room_varies(end) ? 0U : POLLOUT;
        found.push_back(end.fd < 0 ? 0U : state_of(end.fd, POLLIN | room | POLLPRI | POLLRDHUP));
    }
    return found;
}

std::int64_t ScriptedSide::waiting(std::size_t end) const {
    int count = 0;
    return sys::ioctl(ends_.at(end).fd, FIONREAD, &count) < 0 ? -errno : count;
}

void ScriptedSide::look(std::size_t reactor, Found::Reports& reports) {
    for (const Event& event : reactors_.at(reactor)->wait(Timeout::zero())) {
        const auto token = static_cast<std::uint64_t>(event.token);
        const End& end = at(end_of(token));
        const auto asked = static_cast<Readiness>(end.interest); // the bits mean the same
        Readiness ready = event.ready & asked;
        if (room_varies(end)) ready = ready & (Readiness::readable | Readiness::urgent);
        const bool is_stale = event.token != token_of(end_of(token)) || !end.watched;
        if (is_stale)
            reports[token] |= 1U << 31U;
        else if (ready == Readiness::none)
            unasked_.push_back(end_of(token));
        else
            reports[token] |= static_cast<unsigned>(ready);
    }
}

// One-shot: some of those that were reported, and all that were told of what nobody asked.
void ScriptedSide::arm(const Found& found, std::uint64_t which) {
    if (trigger_ != Trigger::one_shot) return;
    for (const Found::Reports& reports : found.reports)
        for (const auto& [token, ready] : reports)
            if ((which >> end_of(token) % 64U & 1U) != 0) unasked_.push_back(end_of(token));
    for (const std::size_t end : std::exchange(unasked_, {}))
        for (const auto& reactor : reactors_)
            reactor->modify(at(end).fd, token_of(end), at(end).interest, trigger_);
}

std::int64_t ScriptedSide::carry_out(const Operation& operation) {
    using Kind = Operation::Kind;
    const std::size_t end = operation.end;
    if (at(end).fd < 0 && operation.kind != Kind::renew) return 0;
    const Interest interest = interests.at(operation.argument % interests.size());
    switch (operation.kind) {
    case Kind::add:
        return add(end, interest);
    case Kind::modify:
        return modify(end, interest);
    case Kind::remove:
        return remove(end), 0;
    case Kind::write:
        return write(end, 1 + operation.argument % 2048, 0);
    case Kind::fill:
        return fill(end);
    case Kind::read:
        return read(end, 1 + operation.argument % 4096);
    case Kind::drain:
        return drain(end);
    case Kind::take_urgent:
        return take_urgent(end);
    case Kind::shut:
        return shut(end, operation.argument);
    case Kind::send_urgent:
        return at(end).sort == Sort::tcp ? write(end, 1 + operation.argument % 3, MSG_OOB) : 0;
    case Kind::close:
        return close(end, false), 0;
    case Kind::reset:
        return close(end, at(end).sort == Sort::tcp), 0;
    case Kind::renew:
        return renew(end), 0;
    }
    return 0;
}

std::int64_t ScriptedSide::add(std::size_t end, Interest interest) {
    std::int64_t errors = 0;
    for (const auto& reactor : reactors_)
        errors += error_of([&] { reactor->add(at(end).fd, token_of(end), interest, trigger_); });
    if (!std::exchange(at(end).watched, true)) at(end).interest = interest;
    return -errors;
}

std::int64_t ScriptedSide::modify(std::size_t end, Interest interest) {
    std::int64_t errors = 0;
    ++at(end).generation; // a new mark, which replaces the old one
    for (const auto& reactor : reactors_)
        errors += error_of([&] { reactor->modify(at(end).fd, token_of(end), interest, trigger_); });
    at(end).interest = interest;
    return -errors;
}

void ScriptedSide::remove(std::size_t end) {
    for (const auto& reactor : reactors_) reactor->remove(at(end).fd);
    at(end).watched = false;
    ++at(end).generation;
}

std::int64_t ScriptedSide::write(std::size_t end, std::size_t size, int flags) {
    static const std::vector<std::byte> bytes(65536, std::byte{'d'});
    End& writer = at(end);
    const bool is_pipe = writer.sort == Sort::pipe;
    if (is_pipe && peer_of(end).fd < 0) return 0; // SIGPIPE
    if (!is_pipe && size < bytes.size() && (writer.is_filled || ++writer.writes > most_writes))
        return 0;
    const ssize_t count = is_pipe ? sys::write(writer.fd, bytes.data(), size)
                                  : sys::send(writer.fd, bytes.data(), size, flags | MSG_NOSIGNAL);
    return count < 0 ? -errno : count;
}

// How much goes in differs between kernels; that nothing more goes in does not.
std::int64_t ScriptedSide::fill(std::size_t end) {
    // When the window of who has shut down its reading opens again is the kernel's own affair.
    if (at(end).sort == Sort::tcp && peer_of(end).is_deaf) return 0;
    End& writer = at(end);
    if (writer.sort == Sort::tcp && trigger_ == Trigger::edge) return 0;
    std::int64_t last = 0;
    while ((last = write(end, 65536, 0)) > 0) writer.is_filled = true;
    return last;
}

std::int64_t ScriptedSide::read(std::size_t end, std::size_t size) {
    static std::vector<std::byte> bytes(65536);
    if (peer_of(end).is_filled && at(end).sort != Sort::pipe) return drain(end);
    const ssize_t count = sys::read(at(end).fd, bytes.data(), size);
    return count < 0 ? -errno : count;
}

// All that was sent, also what is on its way still. How it ends is told.
std::int64_t ScriptedSide::drain(std::size_t end) {
    static std::vector<std::byte> bytes(65536);
    peer_of(end).writes = 0;
    peer_of(end).is_filled = false;
    const auto give_up = std::chrono::steady_clock::now() + longest_wait;
    while (std::chrono::steady_clock::now() < give_up) {
        const bool may_come = is_more_on_its_way(end);
        const ssize_t count = sys::read(at(end).fd, bytes.data(), bytes.size());
        if (count == 0 && (!may_come || peer_of(end).fd < 0)) return 0;
        if (count < 0 && (errno != EAGAIN || !may_come)) return -errno;
    }
    return -ETIME;
}

bool ScriptedSide::is_more_on_its_way(std::size_t end) const {
    if (ends_.at(end).sort != Sort::tcp) return false;
    const int sender = ends_.at(end ^ 1U).fd;
    if (sender < 0) return true;
    int count = 0; // that of a connection that was reset stays as it was
    return (state_of(sender, 0) & POLLHUP) == 0 && sys::ioctl(sender, TIOCOUTQ, &count) == 0 &&
           count > 0;
}

std::int64_t ScriptedSide::take_urgent(std::size_t end) {
    if (at(end).sort != Sort::tcp || peer_of(end).is_filled) return 0;
    std::byte byte{};
    const ssize_t count = sys::recv(at(end).fd, &byte, 1, MSG_OOB);
    return count < 0 ? -errno : count;
}

std::int64_t ScriptedSide::shut(std::size_t end, std::uint64_t how) {
    static constexpr std::array ways{SHUT_WR, SHUT_RD, SHUT_RDWR};
    if (at(end).sort == Sort::pipe) return 0;
    // Whether what comes in afterwards resets the connection depends on when the kernel opens its
    // window.
    if (at(end).sort == Sort::tcp && peer_of(end).is_filled) {
        if (at(end).is_deaf) return 0;
        how = 0;
    }
    const int way = ways.at(how % ways.size());
    at(end).is_deaf = at(end).is_deaf || way != SHUT_WR;
    return sys::shutdown(at(end).fd, way) < 0 ? -errno : 0;
}

void ScriptedSide::close(std::size_t end, bool with_reset) {
    remove(end);
    const int fd = std::exchange(at(end).fd, -1);
    if (with_reset)
        descriptors_.close_with_reset(fd);
    else
        descriptors_.close(fd);
}

// New ends in the place of two old ones; they often get the same numbers.
void ScriptedSide::renew(std::size_t end) {
    const std::size_t first = end & ~std::size_t{1};
    for (const std::size_t old : {end, end ^ 1U})
        if (at(old).fd >= 0) close(old, false);
    const auto sort = static_cast<Sort>(first / 2 % 3);
    const auto [ours, theirs] = sort == Sort::unix_stream ? descriptors_.unix_pair()
                                : sort == Sort::tcp       ? descriptors_.tcp_pair()
                                                          : descriptors_.pipe();
    at(first).fd = ours;
    at(first + 1).fd = theirs;
    for (const std::size_t fresh : {first, first + 1}) {
        at(fresh).sort = sort;
        at(fresh).writes = 0;
        at(fresh).is_filled = false;
        at(fresh).is_deaf = false;
    }
}

} // namespace pollux_test
