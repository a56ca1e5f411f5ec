// D16 of the catalogue: the facilities tell the same story.
//
// Method: a script of random operations (registering, writing, reading, ending, closing) over Unix
// and TCP pairs and pipes, with a reactor on each facility. A script removes what it closes, as the
// seam asks. After every operation all of them wait; what they report as readable, writable and
// urgent, as far as it was asked for, must be the same. A difference counts only if bare poll(2)
// gives the same states before and after, for TCP may deliver between two waits; and only if it
// lasts, for epoll is told of what TCP delivers a moment after poll(2) sees it.
//
// POLLUX_OPERATIONS says how many operations (100 000 unless told), POLLUX_SEED where to begin. A
// failure prints the seed of its script, which alone repeats it, and the last operations.

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <poll.h>
#include <pollux/backend.hpp>
#include <random>
#include <sstream>
#include <string>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include "support/contract.hpp"
#include "support/descriptor_ledger.hpp"
#include "support/observing.hpp"
#include "support/own_thread.hpp"
#include "support/priced_waits.hpp"
#include "support/sockets.hpp"
#include "support/wake_up_budget.hpp"

using namespace pollux;
using namespace pollux_test;

namespace {

constexpr Token of_crowd{~std::uint64_t{0}};
constexpr std::size_t operations_of_script = 1000;

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
    const char* const text = std::getenv(name);
    return text != nullptr && *text != '\0' ? std::strtoull(text, nullptr, 10) : otherwise;
}

constexpr std::array interests{
    Interest::read,
    Interest::write,
    Interest::read_write,
    Interest::urgent,
    Interest::read | Interest::urgent,
    Interest::read_write | Interest::urgent,
};

// The bits of Interest and Readiness mean the same.
constexpr Readiness asked(Interest interest) { return static_cast<Readiness>(interest); }
static_assert(asked(Interest::read) == Readiness::readable);
static_assert(asked(Interest::write) == Readiness::writable);
static_assert(asked(Interest::urgent) == Readiness::urgent);

/// What was seen over all scripts, so that a test that compares nothing cannot pass.
struct Tally {
    std::size_t readable = 0;
    std::size_t writable = 0;
    std::size_t urgent = 0;
    std::size_t silent_hang_ups = 0; // what some say without being asked
    std::size_t adaptive_on_poll = 0;
    std::size_t adaptive_on_epoll = 0;
};

// Adaptive is the last.
std::vector<std::unique_ptr<Reactor>> every_reactor() {
    std::vector<std::unique_ptr<Reactor>> reactors;
    for (const Backend backend :
         {Backend::select, Backend::poll, Backend::epoll, Backend::io_uring, Backend::adaptive})
        if (is_there(backend)) reactors.push_back(make_reactor(backend));
    return reactors;
}

class Script {
public:
    Script(std::uint64_t seed, Trigger trigger, Tally& tally)
        : random_{seed}, trigger_{trigger}, tally_{tally} {
        for (std::size_t end = 0; end < ends_.size(); end += 2) renew(end);
        for (Fd& fd : crowd_) {
            fd = counter();
            reactors_.back()->add(fd.get(), of_crowd, Interest::read, Trigger::level);
        }
    }

    /// One random operation, then a comparison. False: the facilities disagree.
    bool step() {
        static constexpr std::array<void (Script::*)(std::size_t), 24> operations{
            &Script::add,     &Script::add,       &Script::add,    &Script::modify, &Script::modify,
            &Script::modify,  &Script::remove,    &Script::remove, &Script::write,  &Script::write,
            &Script::write,   &Script::write,     &Script::read,   &Script::read,   &Script::read,
            &Script::fill_up, &Script::drain,     &Script::drain,  &Script::shut,   &Script::urge,
            &Script::close,   &Script::break_off, &Script::renew,  &Script::stir};
        (this->*operations.at(below(operations.size())))(below(ends_.size()));
        return disagreement_.empty() && compare();
    }

    /// What was different, and the operations before it.
    std::string story() const {
        std::ostringstream text;
        text << disagreement_ << "\nlast operations:";
        for (const std::string& operation : log_) text << "\n  " << operation;
        return text.str();
    }

private:
    enum class Kind : std::uint8_t { unix_stream, tcp, pipe };

    struct End {
        Fd fd;
        Kind kind = Kind::unix_stream;
        std::uint32_t generation = 0;
        bool watched = false;
        Interest interest = Interest::read;
    };
    using Reports = std::map<std::uint64_t, Readiness>; // by token

    std::size_t below(std::size_t limit) {
        return std::uniform_int_distribution<std::size_t>{0, limit - 1}(random_);
    }
    Interest some_interest() { return interests.at(below(interests.size())); }
    End& at(std::size_t end) { return ends_.at(end); }
    End& peer_of(std::size_t end) { return ends_.at(end ^ 1U); }
    Token token_of(std::size_t end) {
        return Token{std::uint64_t{at(end).generation} << 32U | end};
    }

    void note(const char* operation, std::size_t end, std::uint64_t argument = 0) {
        static constexpr std::array kinds{"unix", "tcp", "pipe"};
        std::ostringstream line;
        line << operation << ' ' << kinds.at(static_cast<std::size_t>(at(end).kind)) << ' ' << end
             << " (descriptor " << at(end).fd.get() << ") " << argument;
        log_.push_back(line.str());
        if (log_.size() > 40) log_.pop_front();
    }

    // Every reactor must answer alike: with the same error, or none.
    void on_each(int expected, const std::function<void(Reactor&)>& act) {
        for (const auto& reactor : reactors_) {
            const int error = error_of([&] { act(*reactor); });
            if (error != expected)
                disagreement_ = std::string{reactor->name()} + " answered with error " +
                                std::to_string(error) + " instead of " + std::to_string(expected);
        }
    }

    void add(std::size_t end) {
        if (!at(end).fd) return;
        const Interest interest = some_interest();
        note("add", end, static_cast<std::uint64_t>(interest));
        on_each(at(end).watched ? EEXIST : 0, [&](Reactor& reactor) {
            reactor.add(at(end).fd.get(), token_of(end), interest, trigger_);
        });
        if (!std::exchange(at(end).watched, true)) at(end).interest = interest;
    }

    void modify(std::size_t end) {
        if (!at(end).fd) return;
        const Interest interest = some_interest();
        note("modify", end, static_cast<std::uint64_t>(interest));
        ++at(end).generation; // a new mark, which replaces the old one
        on_each(at(end).watched ? 0 : ENOENT, [&](Reactor& reactor) {
            reactor.modify(at(end).fd.get(), token_of(end), interest, trigger_);
        });
        at(end).interest = interest;
    }

    void remove(std::size_t end) {
        if (!at(end).fd) return;
        note("remove", end);
        for (const auto& reactor : reactors_)
            if (reactor->remove(at(end).fd.get()) != at(end).watched)
                disagreement_ = std::string{reactor->name()} + " remembered otherwise";
        at(end).watched = false;
        ++at(end).generation;
    }

    std::size_t send_some(std::size_t end, std::size_t size, int flags = 0) {
        static const std::string bytes(65536, 'd');
        if (!at(end).fd || (at(end).kind == Kind::pipe && !peer_of(end).fd)) // SIGPIPE
            return 0;
        const ssize_t count =
            at(end).kind == Kind::pipe
                ? ::write(at(end).fd.get(), bytes.data(), size)
                : ::send(at(end).fd.get(), bytes.data(), size, MSG_NOSIGNAL | flags);
        return count > 0 ? static_cast<std::size_t>(count) : 0;
    }
    std::size_t read_some(std::size_t end, std::size_t size) {
        static std::array<char, 65536> into{};
        const ssize_t count = at(end).fd ? ::read(at(end).fd.get(), into.data(), size) : 0;
        return count > 0 ? static_cast<std::size_t>(count) : 0;
    }

    void write(std::size_t end) {
        const std::size_t size = 1 + below(4096);
        note("write", end, size);
        send_some(end, size);
    }
    void fill_up(std::size_t end) {
        note("fill", end);
        while (send_some(end, 65536) > 0) {
        }
    }
    void read(std::size_t end) {
        const std::size_t size = 1 + below(8192);
        note("read", end, size);
        read_some(end, size);
    }
    void drain(std::size_t end) {
        note("drain", end);
        while (read_some(end, 65536) > 0) {
        }
    }
    void shut(std::size_t end) {
        static constexpr std::array ways{SHUT_WR, SHUT_RD, SHUT_RDWR};
        const int how = ways.at(below(ways.size()));
        note("shutdown", end, static_cast<std::uint64_t>(how));
        ::shutdown(at(end).fd.get(), how); // refused by pipes and closed ends: no matter
    }
    void urge(std::size_t end) {
        if (at(end).kind != Kind::tcp) return;
        note("urgent byte", end);
        send_some(end, 1, MSG_OOB);
    }
    void close(std::size_t end) {
        remove(end);
        note("close", end);
        at(end).fd.reset();
    }
    void break_off(std::size_t end) {
        if (!at(end).fd || at(end).kind != Kind::tcp) return;
        remove(end);
        note("reset", end);
        reset(at(end).fd);
    }
    // New ends in the place of two old ones; they often get the same numbers.
    void renew(std::size_t end) {
        close(end);
        close(end ^ 1U);
        const std::size_t first = end & ~std::size_t{1};
        const auto kind = static_cast<Kind>(first / 2 % 3);
        Ends ends = kind == Kind::unix_stream ? unix_pair()
                    : kind == Kind::tcp       ? tcp_pair()
                                              : pipe_ends();
        at(first).fd = std::move(ends.ours);
        at(first + 1).fd = std::move(ends.theirs);
        at(first).kind = at(first + 1).kind = kind;
        note("renew", first);
        note("renew", first + 1);
    }
    // Beside a crowd that is ready adaptive waits on poll, beside one that is not on epoll.
    void stir(std::size_t end) {
        note("crowd stirs or sleeps beside", end);
        crowd_is_ready_ = !crowd_is_ready_;
        eventfd_t value = 1;
        for (const Fd& fd : crowd_)
            crowd_is_ready_ ? ::eventfd_write(fd.get(), 1) : ::eventfd_read(fd.get(), &value);
        waits_.set(crowd_.size(), crowd_is_ready_ ? crowd_.size() : 1);
    }

    // What the kernel says of every end, asked without any of them.
    std::vector<short> states() const {
        std::vector<pollfd> entries;
        entries.reserve(ends_.size());
        for (const End& end : ends_)
            entries.push_back({.fd = end.fd.get(),
                               .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP,
                               .revents = 0});
        ::poll(entries.data(), entries.size(), 0);
        std::vector<short> found;
        found.reserve(entries.size());
        for (const pollfd& entry : entries) found.push_back(entry.revents);
        return found;
    }

    // Adds what a reactor reports, as far as it was asked for. What it says beyond that is kept in
    // `unasked_`.
    void look_at(Reactor& reactor, Reports& reports) {
        const std::uint64_t polled = calls_made("ppoll");
        const auto batch = reactor.wait(Timeout::zero());
        if (&reactor == reactors_.back().get())
            ++(calls_made("ppoll") > polled ? tally_.adaptive_on_poll : tally_.adaptive_on_epoll);
        for (const Event& event : batch) {
            if (event.token == of_crowd) continue;
            const auto token = static_cast<std::uint64_t>(event.token);
            const std::size_t end = token % (std::uint64_t{1} << 32U);
            if (event.token != token_of(end) || !at(end).watched) {
                disagreement_ = std::string{reactor.name()} + " reports a mark that is gone";
                continue;
            }
            const Readiness ready = event.ready & asked(at(end).interest);
            if (ready == Readiness::none)
                unasked_.push_back(end);
            else
                reports[token] = reports[token] | ready;
        }
    }

    bool compare() {
        const auto give_up = std::chrono::steady_clock::now() + longest_wait;
        for (;;) {
            const auto before = states();
            unasked_.clear();
            std::vector<Reports> histories(reactors_.size());
            do {
                for (std::size_t place = 0; place < reactors_.size(); ++place)
                    look_at(*reactors_.at(place), histories.at(place));
                if (!disagreement_.empty()) return false;
                if (std::ranges::adjacent_find(histories, std::not_equal_to{}) == histories.end()) {
                    settle(histories[0]);
                    return true;
                }
                if (std::chrono::steady_clock::now() > give_up) {
                    disagree(histories);
                    return false;
                }
                std::this_thread::yield();
            } while (states() == before);
            arm_all(); // the world moved meanwhile: ask again
        }
    }

    // One-shot: some of those reported are armed again, and all that only some facilities report,
    // for those that do not are still armed.
    void settle(const Reports& reports) {
        tally_.silent_hang_ups += unasked_.size();
        for (const auto& [token, ready] : reports) {
            if (has(ready, Readiness::readable)) ++tally_.readable;
            if (has(ready, Readiness::writable)) ++tally_.writable;
            if (has(ready, Readiness::urgent)) ++tally_.urgent;
            if (below(2) == 0) arm(token % (std::uint64_t{1} << 32U));
        }
        for (const std::size_t end : unasked_) arm(end);
    }
    void arm(std::size_t end) {
        if (trigger_ == Trigger::one_shot)
            on_each(0, [&](Reactor& reactor) {
                reactor.modify(at(end).fd.get(), token_of(end), at(end).interest, trigger_);
            });
    }
    void arm_all() {
        for (std::size_t end = 0; end < ends_.size(); ++end)
            if (at(end).watched) arm(end);
    }

    void disagree(const std::vector<Reports>& histories) {
        std::ostringstream text;
        for (std::size_t place = 0; place < reactors_.size(); ++place) {
            text << '\n' << reactors_.at(place)->name() << ':';
            for (const auto& [token, ready] : histories.at(place))
                text << ' ' << token % (std::uint64_t{1} << 32U) << '=' << to_string(ready);
        }
        disagreement_ = text.str();
    }

    std::mt19937_64 random_;
    Trigger trigger_;
    Tally& tally_;
    std::array<End, 18> ends_; // neighbours are connected
    std::vector<std::unique_ptr<Reactor>> reactors_ = every_reactor();
    std::array<Fd, 16> crowd_; // for adaptive alone
    bool crowd_is_ready_ = false;
    PricedWaits waits_{poll_is_cheap};
    std::vector<std::size_t> unasked_;
    std::deque<std::string> log_;
    std::string disagreement_;
};

void check_lockstep(Trigger trigger) {
    const DescriptorLedger ledger;
    const std::uint64_t operations = number_from_environment("POLLUX_OPERATIONS", 100'000);
    const std::uint64_t first_seed = number_from_environment("POLLUX_SEED", 1);
    Tally tally;
    for (std::uint64_t done = 0; done < operations; done += operations_of_script) {
        const std::uint64_t seed = first_seed + done / operations_of_script;
        Script script{seed, trigger, tally};
        for (std::size_t step = 0; step < operations_of_script; ++step)
            if (!script.step())
                FAIL("POLLUX_SEED=" << seed << " POLLUX_OPERATIONS=1, operation " << step << ": "
                                    << script.story());
    }
    // A script that touches nothing would agree too.
    const std::uint64_t scripts = (operations + operations_of_script - 1) / operations_of_script;
    CHECK_GT(tally.readable, 50 * scripts);
    CHECK_GT(tally.writable, 50 * scripts);
    CHECK_GT(tally.adaptive_on_epoll, 50 * scripts);
    if (trigger == Trigger::level) CHECK_GT(tally.adaptive_on_poll, 50 * scripts);
    if (scripts >= 10) {
        CHECK_GT(tally.urgent, 0);
        CHECK_GT(tally.silent_hang_ups, 0);
    }
}

} // namespace

TEST_CASE("D16 random scripts: all facilities tell the same story [level]") {
    in_own_thread([] { check_lockstep(Trigger::level); });
}

TEST_CASE("D16 random scripts: all facilities tell the same story [one-shot]") {
    in_own_thread([] { check_lockstep(Trigger::one_shot); });
}
