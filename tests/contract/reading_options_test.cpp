// How much one read asks for, and when a visit stops reading.

#include "support/calls.hpp"
#include "support/contract.hpp"
#include "support/streams.hpp"

#include <optional>
#include <vector>

using namespace pollux;
using namespace pollux_test;

namespace {

struct Case {
    Case(const Mode& mode, ConnectionOptions options) : loop{mode.backend} {
        options.trigger = mode.trigger;
        set.emplace(loop,
                    ConnectionHandlers{.on_data =
                                           [this](Connection&, ByteView data) {
                                               offers.push_back(data.size());
                                               got += text_of(data);
                                               return data.size();
                                           }},
                    options);
        one = adopt_unix(*set);
    }
    void send(std::string_view text) {
        put(one.theirs, text);
        settle(loop);
    }

    std::vector<std::size_t> offers;
    std::string got;
    EventLoop loop;
    std::optional<ConnectionSet> set;
    Adopted one;
};

// As of a socket that gives one record at a time.
CallOutcome three_bytes_at_most(const CallPoint& call) {
    return call.name == "recv" ? CallOutcome{.at_most = 3} : CallOutcome{};
}

} // namespace

CONTRACT_CASE("a read asks for read_size bytes, and only a full one is followed by another",
              everywhere) {
    Case c{mode, {.read_size = 10}};
    const std::string text = pattern(95);
    const Calls calls;
    const std::size_t blocked = would_block("recv");
    c.send(text);
    CHECK_EQ(c.got, text);
    CHECK_EQ(c.offers, std::vector<std::size_t>{10, 10, 10, 10, 10, 10, 10, 10, 10, 5});
    CHECK_EQ(calls.of("recv"), 10);
    CHECK_EQ(would_block("recv"), blocked);
}

CONTRACT_CASE("one byte in a read, one read in a visit: all comes, in order", everywhere) {
    Case c{mode, {.reads_per_visit = 1, .read_size = 1}};
    const std::string text = pattern(50);
    c.send(text);
    CHECK_EQ(c.got, text);
    CHECK_EQ(c.offers, std::vector<std::size_t>(50, 1));
}

CONTRACT_CASE("read_until_would_block: one more read in each visit, which finds nothing",
              everywhere) {
    for (const bool drain : {false, true}) {
        Case c{mode, {.read_until_would_block = drain}};
        const Calls calls;
        const std::size_t blocked = would_block("recv");
        for (int i = 0; i < 3; ++i) c.send("message");
        CHECK_EQ(c.offers, std::vector<std::size_t>{7, 7, 7});
        CHECK_EQ(calls.of("recv"), drain ? 6 : 3);
        CHECK_EQ(would_block("recv") - blocked, drain ? 3 : 0);
    }
}

CONTRACT_CASE("read_until_would_block: what a short read leaves is read, whatever the budget",
              everywhere) {
    for (const int budget : {1, 2, 4}) {
        Case c{mode, {.reads_per_visit = budget, .read_until_would_block = true}};
        const Calls calls{three_bytes_at_most};
        c.send("abcdefgh");
        CHECK_EQ(c.got, "abcdefgh");
        CHECK_EQ(c.offers, std::vector<std::size_t>{3, 3, 2});
    }
}
