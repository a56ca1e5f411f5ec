// The names of the models, and options that do not go together.

#include <doctest/doctest.h>

#include <stdexcept>

#include "service/serving.hpp"
#include "support/descriptor_ledger.hpp"
#include "support/observing.hpp"

using namespace pollux;
using namespace pollux_test;

TEST_CASE("service: a model and its name") {
    for (const Model model : models) CHECK(parse_model(to_string(model)) == model);
    try {
        parse_model("magic");
        FAIL("taken");
    } catch (const std::invalid_argument& error) {
        for (const Model model : models)
            CHECK_NE(std::string_view{error.what()}.find(to_string(model)), std::string_view::npos);
        CHECK_NE(std::string_view{error.what()}.find("'magic'"), std::string_view::npos);
    }
}

TEST_CASE("service: what is wrong is said at once") {
    const DescriptorLedger ledger;
    const auto make = [](SocketServerOptions options) {
        const SocketServer server{Address::ipv4_loopback(0), uppers(), std::move(options)};
    };
    CHECK_THROWS_AS(make({.max_clients = 0}), std::invalid_argument);
    CHECK_THROWS_AS(make({.trigger = Trigger::exclusive}), std::invalid_argument);
    CHECK_THROWS_AS(make({.backend = Backend::poll, .trigger = Trigger::edge}),
                    std::invalid_argument);
    const Socket busy = Socket::listen(Address::ipv4_loopback(0));
    CHECK_EQ(error_of([&] { const SocketServer server{busy.local(), uppers()}; }), EADDRINUSE);
}
