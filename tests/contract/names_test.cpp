// The names of backends, triggers and bits, and what else a reactor says of itself.

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <optional>
#include <pollux/backend.hpp>
#include <pollux/instruments/call_hook.hpp>
#include <stdexcept>
#include <string>

#include "support/contract.hpp"
#include "support/observing.hpp"
#include "support/sockets.hpp"

using namespace pollux;
using namespace pollux_test;

namespace {

constexpr std::array all_backends{Backend::select, Backend::poll, Backend::epoll, Backend::adaptive,
                                  Backend::io_uring};

/// Sets POLLUX_BACKEND, or unsets it, and puts back what was there.
class BackendVariable {
public:
    explicit BackendVariable(const char* value) {
        if (const char* const before = std::getenv(name)) before_ = before;
        set(value);
    }
    ~BackendVariable() { set(before_ ? before_->c_str() : nullptr); }
    BackendVariable(const BackendVariable&) = delete;
    BackendVariable& operator=(const BackendVariable&) = delete;

private:
    static constexpr const char* name = "POLLUX_BACKEND";
    static void set(const char* value) {
        if (value == nullptr)
            ::unsetenv(name);
        else
            ::setenv(name, value, 1);
    }
    std::optional<std::string> before_;
};

/// The text of the `std::invalid_argument` that `act` throws; "" when it returns.
template <class Act> std::string complaint_of(Act act) {
    try {
        act();
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "";
}

std::string quoted(std::string_view word) {
    std::string text{"'"};
    return text.append(word).append("'");
}

bool names_all(const std::string& text, std::initializer_list<std::string_view> words) {
    for (const std::string_view word : words)
        if (text.find(word) == std::string::npos) return false;
    return true;
}

} // namespace

TEST_CASE("backends: every name is read back as what it names") {
    for (const Backend backend : all_backends) CHECK_EQ(parse_backend(to_string(backend)), backend);
    for (const Backend backend :
         {Backend::select, Backend::poll, Backend::epoll, Backend::adaptive})
        CHECK_EQ(make_reactor(backend)->name(), to_string(backend));
    CHECK_EQ(to_string(Backend::select), "select");
    CHECK_EQ(to_string(Backend::poll), "poll");
    CHECK_EQ(to_string(Backend::epoll), "epoll");
    CHECK_EQ(to_string(Backend::adaptive), "adaptive");
    CHECK_EQ(to_string(Backend::io_uring), "io_uring");
}

TEST_CASE("backends: another word is refused, with the names there are") {
    for (const std::string_view word : {"", "Epoll", "epoll ", "kqueue", "epol"}) {
        CAPTURE(word);
        const std::string complaint = complaint_of([&] { parse_backend(word); });
        CHECK(names_all(complaint,
                        {quoted(word), "select", "poll", "epoll", "adaptive", "io_uring"}));
    }
}

TEST_CASE("backends: a number beyond the five is no name and no reactor") {
    constexpr auto beyond = static_cast<Backend>(5);
    CHECK_EQ(to_string(beyond), "?");
    CHECK_THROWS_AS(make_reactor(beyond), std::out_of_range);
}

TEST_CASE("backends: POLLUX_BACKEND chooses, unset or empty it is epoll") {
    for (const Backend backend : all_backends) {
        const std::string name{to_string(backend)};
        const BackendVariable variable{name.c_str()};
        CHECK_EQ(default_backend(), backend);
    }
    const BackendVariable unset{nullptr};
    CHECK_EQ(default_backend(), Backend::epoll);
    const BackendVariable empty{""};
    CHECK_EQ(default_backend(), Backend::epoll);
}

TEST_CASE("backends: a bad word in POLLUX_BACKEND is refused, not guessed") {
    const BackendVariable variable{"epol"};
    CHECK(
        names_all(complaint_of([] { default_backend(); }), {"'epol'", "select", "poll", "epoll"}));
}

TEST_CASE("triggers: every name is read back as what it names") {
    for (const Trigger trigger : {Trigger::level, Trigger::edge, Trigger::one_shot})
        CHECK_EQ(parse_trigger(to_string(trigger)), trigger);
    CHECK_EQ(to_string(Trigger::level), "level");
    CHECK_EQ(to_string(Trigger::edge), "edge");
    CHECK_EQ(to_string(Trigger::one_shot), "one-shot");
    CHECK_EQ(to_string(Trigger::exclusive), "exclusive");
    CHECK_EQ(to_string(static_cast<Trigger>(4)), "?");
}

TEST_CASE("triggers: another word is refused, with the names there are") {
    for (const std::string_view word : {"", "one_shot", "oneshot", "Level", "?"}) {
        CAPTURE(word);
        const std::string complaint = complaint_of([&] { parse_trigger(word); });
        CHECK(names_all(complaint, {quoted(word), "level", "edge", "one-shot"}));
    }
}

TEST_CASE("interest and readiness are written as their bits") {
    CHECK_EQ(to_string(Interest::read), "read");
    CHECK_EQ(to_string(Interest::read_write | Interest::urgent), "read|write|urgent");
    CHECK_EQ(to_string(Readiness::none), "none");
    CHECK_EQ(to_string(Readiness::readable | Readiness::writable | Readiness::urgent |
                       Readiness::peer_closed | Readiness::hang_up | Readiness::error),
             "readable|writable|urgent|peer_closed|hang_up|error");
}

CONTRACT_CASE("a reactor's descriptor is readable while events wait", on_epoll) {
    const Ends ends = unix_pair();
    const auto inner = mode.reactor();
    inner->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    const auto outer = make_reactor(Backend::poll);
    outer->add(inner->descriptor(), Token{2}, Interest::read, Trigger::level);
    CHECK_EQ(look(*outer), "");
    put(ends.theirs, "x");
    CHECK_EQ(look(*outer), "2:readable");
    CHECK_EQ(look(*inner), "1:readable");
    CHECK_EQ(look(*outer), mode.is(Trigger::level) ? "2:readable" : "");
}

CONTRACT_CASE("a reactor that cannot be watched says so", not_on_epoll) {
    CHECK_EQ(mode.reactor()->descriptor(), -1);
}

CONTRACT_CASE("W15 a reactor's descriptor does not survive exec", on_epoll) {
    const auto reactor = mode.reactor();
    CHECK_NE(::fcntl(reactor->descriptor(), F_GETFD) & FD_CLOEXEC, 0);
}

CONTRACT_CASE("epoll: out of descriptors is an error of make_reactor", on_epoll) {
    const CallHook hook{failing("epoll_create1", EMFILE)};
    CHECK_EQ(error_of([&] { mode.reactor(); }), EMFILE);
}

CONTRACT_CASE("epoll refuses to watch itself", on_epoll) {
    const auto reactor = mode.reactor();
    CHECK_EQ(error_of([&] {
                 reactor->add(reactor->descriptor(), Token{1}, Interest::read, mode.trigger);
             }),
             EINVAL);
}
