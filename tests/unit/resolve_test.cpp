// Names that need no network: literals, services, and what is refused. What the system would look
// up is answered by a hook.

#include "support/calls.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <functional>
#include <netdb.h>
#include <pollux/net/resolve.hpp>
#include <string>
#include <system_error>
#include <vector>

using namespace pollux;
using namespace pollux_test;

namespace {

std::error_code error_of(const std::function<void()>& act) {
    try {
        act();
    } catch (const std::system_error& error) {
        return error.code();
    }
    return {};
}
std::error_code error_of(std::string_view host, std::string_view service,
                         const ResolveOptions& options = {}) {
    return error_of([&] { static_cast<void>(resolve(host, service, options)); });
}
std::error_code eai(int code) { return {code, resolve_category()}; }
std::error_code errno_code(int error) { return {error, std::generic_category()}; }

std::vector<std::string> texts(const std::vector<Address>& addresses) {
    std::vector<std::string> result;
    for (const Address& address : addresses) result.push_back(address.to_string());
    return result;
}
using Texts = std::vector<std::string>;

} // namespace

TEST_CASE("resolve: a literal is its address, and nothing is looked up") {
    CHECK_EQ(texts(resolve("127.0.0.1", "80")), Texts{"127.0.0.1:80"});
    CHECK_EQ(texts(resolve("::1", "65535")), Texts{"[::1]:65535"});
    CHECK_EQ(texts(resolve("[::1]", "0")), Texts{"[::1]:0"});
    CHECK_EQ(texts(resolve("192.0.2.7", "")), Texts{"192.0.2.7:0"});
    CHECK_EQ(texts(resolve("fe80::1%1", "1")), texts({Address::of("fe80::1%1", 1)}));
    CHECK_EQ(texts(resolve("127.0.0.1", "53", {.type = 0})), Texts{"127.0.0.1:53"}); // once
    CHECK_EQ(error_of("127.0.0.1", "1", {.family = AF_INET6}), eai(EAI_ADDRFAMILY));
    CHECK_EQ(error_of("[127.0.0.1]", "1"), eai(EAI_NONAME));
    CHECK_EQ(error_of("[no:name]", "1"), eai(EAI_NONAME));
    CHECK_EQ(error_of("name", "1", {.numeric_only = true}), eai(EAI_NONAME));
    CHECK_EQ(error_of("::1", "http", {.numeric_only = true}), eai(EAI_NONAME));
}

TEST_CASE("resolve: no host is this machine, or all its addresses to listen on") {
    CHECK_EQ(texts(resolve("", "80", {.family = AF_INET})), Texts{"127.0.0.1:80"});
    CHECK_EQ(texts(resolve("", "80", {.family = AF_INET6})), Texts{"[::1]:80"});
    CHECK_EQ(texts(resolve("", "80", {.family = AF_INET, .passive = true})), Texts{"0.0.0.0:80"});
    CHECK_EQ(error_of("", ""), eai(EAI_NONAME));
}

TEST_CASE("resolve: needs_lookup tells who may block") {
    CHECK(needs_lookup("localhost", "80"));
    CHECK(needs_lookup("::1", "http"));
    for (const char* literal : {"127.0.0.1", "::1", "[::1]", "[nonsense]", "fe80::1%1", ""})
        CHECK_FALSE(needs_lookup(literal, "80"));
    // Its scope may be gone; it is no name for that.
    CHECK_FALSE(needs_lookup("fe80::1%no-such-one", "80"));
    CHECK_EQ(error_of("fe80::1%no-such-one", "80"), eai(EAI_NONAME));
    CHECK_FALSE(needs_lookup("a name", "80"));
}

TEST_CASE("resolve: what is no name is refused, and nothing is cut") {
    using namespace std::string_view_literals;
    const Calls calls;
    CHECK_EQ(error_of("127.0.0.1\0.example"sv, "80"), errno_code(EINVAL));
    CHECK_EQ(error_of("::1", "80\0"sv), errno_code(EINVAL));
    CHECK_EQ(error_of("a\nb", "80"), errno_code(EINVAL));
    CHECK_EQ(error_of("名", "80"), errno_code(EINVAL));
    CHECK_EQ(error_of(std::string(255, 'a'), "80"), errno_code(ENAMETOOLONG));
    CHECK_EQ(error_of("::1", std::string(32, 's')), errno_code(ENAMETOOLONG));
    CHECK_EQ(calls.of("getaddrinfo"), 0);
}

TEST_CASE("resolve: a longest name arrives whole") {
    std::size_t asked = 0;
    const Calls calls{[&](const CallPoint& call) {
        CallOutcome outcome;
        if (call.name == "getaddrinfo") outcome.result = ++asked == 1 ? EAI_NONAME : EAI_AGAIN;
        return outcome;
    }};
    CHECK_EQ(error_of(std::string(254, 'a'), "80"), eai(EAI_AGAIN));
}

TEST_CASE("resolve: a port is a number up to 65535") {
    for (const char* service :
         {"65536", "99999999999999999999", "-1", "+80", "18446744073709551696"})
        CHECK_EQ(error_of("::1", service), eai(EAI_SERVICE));
    CHECK_EQ(error_of("::1", "80 "), errno_code(EINVAL));
    CHECK_EQ(resolve("::1", "0080").front().port(), 80);
}

TEST_CASE(
    "resolve: an error is getaddrinfo's code, and there is one whenever there is no address") {
    const auto answered = [](int code) {
        const Calls calls{[code](const CallPoint& call) {
            CallOutcome outcome;
            if (call.name == "getaddrinfo") outcome.result = code;
            return outcome;
        }};
        return error_of("host", "80");
    };
    CHECK_EQ(answered(EAI_AGAIN), eai(EAI_AGAIN));
    CHECK_EQ(answered(EAI_SYSTEM), eai(EAI_SYSTEM)); // without an errno; never "success"
    CHECK_EQ(answered(0), eai(EAI_NONAME));          // nor an empty list
    CHECK_EQ(std::string{resolve_category().name()}, "resolve");
    CHECK_EQ(eai(EAI_NONAME).message(), ::gai_strerror(EAI_NONAME));
}

TEST_CASE("resolve: what went wrong is said with the names") {
    try {
        static_cast<void>(resolve("some-host", "1", {.numeric_only = true}));
        FAIL("resolved");
    } catch (const std::system_error& error) {
        CHECK(std::string_view{error.what()}.starts_with("resolve some-host 1: "));
    }
}

TEST_CASE("service_port and name_of: names of services") {
    CHECK_EQ(service_port("8080"), 8080);
    CHECK_EQ(error_of([] { static_cast<void>(service_port("no-such-service")); }),
             eai(EAI_SERVICE));
    const bool has_services = ::getservbyname("http", "tcp") != nullptr;
    if (has_services) {
        CHECK_EQ(service_port("http"), 80);
        CHECK_EQ(service_port("domain", SOCK_DGRAM), 53);
        CHECK_EQ(name_of(Address::of("192.0.2.1", 80), {.numeric_host = true}).service, "http");
    }
}

TEST_CASE("name_of: numbers where no name is wanted") {
    const HostAndService name =
        name_of(Address::of("::1", 80), {.numeric_host = true, .numeric_service = true});
    CHECK_EQ(name.host, "::1");
    CHECK_EQ(name.service, "80");
    CHECK_EQ(error_of([] { static_cast<void>(name_of(Address::abstract("x"))); }), eai(EAI_FAMILY));
    CHECK_EQ(error_of([] { static_cast<void>(name_of(Address{})); }), eai(EAI_FAMILY));
}
