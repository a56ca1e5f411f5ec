// Fault plans: the line, and what it does to calls.

#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <netdb.h>
#include <pollux/instruments/fault_plan.hpp>
#include <stdexcept>

using namespace pollux;

namespace {

std::string again(std::string_view line) { return FaultPlan::parse(line).to_string(); }

std::string refusal(std::string_view line) {
    try {
        FaultPlan::parse(line);
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return {};
}

} // namespace

TEST_CASE("fault plan: a line that was printed says the same when it is read") {
    for (const char* line :
         {"", "accept4@3=EMFILE", "accept4@3=EMFILE;read@7=short:1;wait@2=spurious",
          "recv@3+=ECONNRESET", "recv@3-7=EINTR", "recv@3+2=EINTR", "recv@3-9+2=EINTR",
          "recv@*=EINTR", "recv@2%=EINTR", "seed=7;*@0.1%=any", "send[5]@1=EPIPE", "new@12=ENOMEM",
          "connect@1=delay:5ms", "connect@1=delay:1500us", "getaddrinfo@1=EAI_AGAIN", "*@4=short:1",
          "sendmmsg@1=short:2", "seed=0"})
        CHECK_EQ(again(line), line);
}

TEST_CASE("fault plan: there are several ways to write a thing, and one to print it") {
    CHECK_EQ(again(" accept4@3=EMFILE ; read@7=short:1 ; "), "accept4@3=EMFILE;read@7=short:1");
    CHECK_EQ(again("recv@1+=EWOULDBLOCK"), "recv@*=EAGAIN");
    CHECK_EQ(again("recv@3-3=EINTR"), "recv@3=EINTR");
    CHECK_EQ(again("recv@3-3+2=EINTR"), "recv@3=EINTR");
    CHECK_EQ(again("recv@100%=EINTR"), "recv@*=EINTR");
    CHECK_EQ(again("connect@1=delay:2000ms"), "connect@1=delay:2s");
}

TEST_CASE("fault plan: a mistake is shown at its place") {
    const auto at = [](std::size_t place) {
        return "fault plan, character " + std::to_string(place) + ", ";
    };
    CHECK_EQ(refusal("accept4@3=EMFIL"),
             at(11) +
                 "at 'EMFIL': an error's name, short:N, spurious, delay:TIME or any is wanted");
    CHECK_EQ(refusal("accept4@3"), at(10) + "at its end: '=' is wanted");
    CHECK_EQ(refusal("accept@3=EMFILE"), at(1) + "at 'accept@3=EMFILE': there is no call 'accept'");
    CHECK_EQ(refusal("recv@1=EINTR recv@2=EINTR"),
             at(14) + "at 'recv@2=EINTR': ';' is wanted before what follows");
    CHECK_EQ(refusal("socket@1=short:1"),
             at(1) + "at 'socket@1=short:1': socket moves nothing that could be short");
    CHECK_EQ(refusal("recv@1=spurious"), at(1) + "at 'recv@1=spurious': recv does not wait");
    CHECK_EQ(refusal("recv@1=EAI_AGAIN"),
             at(1) + "at 'recv@1=EAI_AGAIN': EAI_AGAIN is an error of getaddrinfo and getnameinfo");
    for (const char* line : {"recv",
                             "recv@",
                             "recv@=EINTR",
                             "recv@0=EINTR",
                             "recv@3-2=EINTR",
                             "recv@1+0=EINTR",
                             "recv@0%=EINTR",
                             "recv@101%=EINTR",
                             "recv@nan%=EINTR",
                             "recv@-1%=EINTR",
                             "recv@1=short:0",
                             "recv@1=short:",
                             "recv@1=delay:0ms",
                             "recv@1=delay:5",
                             "recv@1=delay:3601s",
                             "recv@1=delay:99999999999999999999s",
                             "recv[-1]@1=EINTR",
                             "recv[1@1=EINTR",
                             "@1=EINTR",
                             "seed=",
                             "seed=x",
                             "new@1=EINTR",
                             "new@1=spurious",
                             "clock_gettime@1=any",
                             "recv@1=callback",
                             "recv@18446744073709551616=EINTR",
                             "\n"})
        CHECK_MESSAGE(!refusal(line).empty(), line);
}

TEST_CASE("fault plan: a rule made in C++ is held to the same") {
    FaultPlan plan;
    plan.add({.call = "accept4", .first = 3, .last = 3, .fault = {.error = EMFILE}});
    plan.add({.call = "wait",
              .fault = {.kind = Fault::Kind::callback,
                        .decide = [](const CallPoint&) { return CallOutcome{.error = EINTR}; }}});
    CHECK_EQ(plan.to_string(), "accept4@3=EMFILE;wait@*=callback");
    CHECK_THROWS_AS(plan.add({.call = "gets"}), std::invalid_argument);
    CHECK_THROWS_AS(plan.add({.call = "recv"}), std::invalid_argument); // with error 0
    CHECK_EQ(plan.rules().size(), 2);
}

TEST_CASE("fault plan: errors that a program without mistakes can get") {
    const auto gives = [](std::string_view call, int error) {
        const std::span<const int> errors = errors_of(call);
        return std::find(errors.begin(), errors.end(), error) != errors.end();
    };
    CHECK(gives("accept4", ECONNABORTED));
    CHECK(gives("accept4", EMFILE));
    CHECK(gives("getaddrinfo", EAI_AGAIN));
    CHECK(gives("new", ENOMEM));
    CHECK_FALSE(gives("accept4", EBADF));
    CHECK_FALSE(gives("recv", EAGAIN));
    CHECK(errors_of("clock_gettime").empty());
    CHECK(errors_of("no such call").empty());
    CHECK_EQ(error_name(ECONNRESET), "ECONNRESET");
    CHECK_EQ(error_name(EAI_NONAME), "EAI_NONAME");
    CHECK_EQ(error_name(9999), "9999");
}

TEST_CASE("fault plan: the same for strace, as far as that can") {
    const auto strace = [](std::string_view line) {
        try {
            return FaultPlan::parse(line).strace();
        } catch (const std::invalid_argument& error) {
            return std::string{error.what()};
        }
    };
    CHECK_EQ(strace(""), "");
    CHECK_EQ(strace("accept4@3=EMFILE;recv@2+=ECONNRESET"),
             "--trace=accept4,recvfrom --inject=accept4:error=EMFILE:when=3"
             " --inject=recvfrom:error=ECONNRESET:when=2+");
    CHECK_EQ(strace("send@3-9+2=EPIPE"), "--trace=sendto --inject=sendto:error=EPIPE:when=3..9+2");
    CHECK_EQ(strace("ppoll@*=delay:5ms"), "--trace=ppoll --inject=ppoll:delay_enter=5000:when=1+");
    CHECK_EQ(strace("recv@7=short:1"), "strace cannot cut a call short: recv@7=short:1");
    CHECK_EQ(strace("wait@2=spurious"),
             "strace counts each kind of call by itself: wait@2=spurious");
    CHECK_EQ(strace("ppoll@2=spurious"), "strace does not know what is asked: ppoll@2=spurious");
    CHECK_EQ(strace("recv@1%=EIO"), "strace draws nothing: recv@1%=EIO");
    CHECK_EQ(strace("recv[4]@1=EIO"), "strace cannot tell descriptors apart: recv[4]@1=EIO");
    CHECK_EQ(strace("close@1=EIO"), "strace would not make the call that fails: close@1=EIO");
    CHECK_EQ(strace("new@1=ENOMEM"), "strace sees no system call there: new@1=ENOMEM");
}
