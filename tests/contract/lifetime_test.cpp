// P1 and P2 for connections: anything may be done to any of them, to their set and to their server,
// in any handler, and each is closed exactly once. The sanitizers watch.

#include "support/contract.hpp"
#include "support/streams.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <pollux/stream/server.hpp>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <vector>

using namespace pollux;
using namespace pollux_test;

namespace {

enum class Where { open, data, kept_data, end, drain, close, error };
constexpr std::array all_places{Where::open,  Where::data,  Where::kept_data, Where::end,
                                Where::drain, Where::close, Where::error};
constexpr std::array<const char*, 7> names{
    "on_open", "on_data", "on_data with kept input", "on_end", "on_drain", "on_close", "on_error"};

// A set of three connections, in whose handlers `act` is called once, at `where`.
struct Case {
    using Act = std::function<void(Case&, Connection*)>;

    Case(const Mode& mode, Where where, Act act)
        : place{where}, action{std::move(act)}, loop{mode.backend} {
        ConnectionHandlers handlers;
        handlers.on_open = [this](Connection& connection) { at(Where::open, &connection); };
        handlers.on_data = [this](Connection& connection, ByteView data) {
            const std::string before{text_of(data)};
            at(data.size() > 3 ? Where::kept_data : Where::data, &connection);
            if (place == Where::error) throw std::runtime_error{"for on_error"};
            CHECK_EQ(text_of(data), before); // good until the handler returns
            return data.size() == 3 ? 0 : data.size();
        };
        handlers.on_end = [this](Connection& connection) {
            at(Where::end, &connection);
            connection.close();
        };
        handlers.on_drain = [this](Connection& connection) { at(Where::drain, &connection); };
        handlers.on_close = [this](Connection& connection, const Closed&) {
            ++closed;
            at(Where::close, &connection);
        };
        handlers.on_error = [this](const std::exception_ptr&) { at(Where::error, nullptr); };
        set = std::make_unique<ConnectionSet>(
            loop, std::move(handlers),
            ConnectionOptions{.trigger = mode.trigger, .high_water = 1'000, .low_water = 0});
    }

    void at(Where where, Connection* connection) {
        if (where != place || done) return;
        done = true;
        action(*this, connection);
    }

    // Brings each handler about.
    void play() {
        for (int i = 0; i < 3 && set != nullptr; ++i) {
            Ends ends = unix_pair();
            theirs.push_back(std::move(ends.theirs));
            ids.push_back(set->adopt(Socket::adopt(std::move(ends.ours))));
            ++opened;
        }
        say("abc");
        say("def");
        if (Connection* const connection = find(1)) {
            connection->send(std::string(1'000'000, 'o'));
            while (find(1) != nullptr && find(1)->queued() > 0) {
                pollux_test::drain(theirs[1]);
                settle(loop);
            }
        }
        for (const Fd& peer : theirs) ::shutdown(peer.get(), SHUT_WR);
        settle(loop);
        if (Connection* const connection = find(0)) connection->abort();
        for (Fd& peer : theirs) peer.reset();
        settle(loop);
    }
    void say(std::string_view text) {
        for (const Fd& peer : theirs)
            static_cast<void>(::send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL));
        settle(loop);
    }
    Connection* find(std::size_t which) {
        return set == nullptr || which >= ids.size() ? nullptr : set->find(ids[which]);
    }

    Where place;
    Act action;
    bool done = false;
    int opened = 0;
    int closed = 0;
    EventLoop loop;
    std::unique_ptr<ConnectionSet> set;
    std::vector<Fd> theirs;
    std::vector<ConnectionId> ids;
};

void in_every_handler(const Mode& mode, const Case::Act& act) {
    for (const Where where : all_places) {
        INFO("in ", names[static_cast<std::size_t>(where)]);
        Case c{mode, where, act};
        c.play();
        CHECK(c.done);
        c.set.reset();
        CHECK_EQ(c.closed, c.opened);
        settle(c.loop);
    }
}

} // namespace

CONTRACT_CASE("P2 the set is destroyed in every handler", everywhere) {
    in_every_handler(mode, [](Case& c, Connection*) { c.set.reset(); });
}

CONTRACT_CASE("P2 every connection is aborted in every handler", everywhere) {
    in_every_handler(mode, [](Case& c, Connection*) {
        c.set->for_each([](Connection& connection) { connection.abort(); });
    });
}

CONTRACT_CASE("P2 every connection is closed in every handler", everywhere) {
    in_every_handler(mode, [](Case& c, Connection*) {
        c.set->for_each([](Connection& connection) { connection.close(); });
    });
}

CONTRACT_CASE("P2 every connection sends and ends in every handler", everywhere) {
    in_every_handler(mode, [](Case& c, Connection*) {
        c.set->for_each([](Connection& connection) {
            connection.send(std::string(300'000, 'x'));
            connection.end();
        });
    });
}

CONTRACT_CASE("P2 every connection is paused and resumed in every handler", everywhere) {
    in_every_handler(mode, [](Case& c, Connection*) {
        c.set->for_each([](Connection& connection) {
            connection.pause_reading();
            connection.resume_reading();
        });
    });
}

CONTRACT_CASE("P2 a hundred connections are made in every handler", everywhere) {
    in_every_handler(mode, [](Case& c, Connection*) {
        for (int i = 0; i < 100; ++i) {
            Ends ends = unix_pair();
            ++c.opened;
            c.set->adopt(Socket::adopt(std::move(ends.ours)));
        }
    });
}

CONTRACT_CASE("P15 an exception in every handler: that one is closed, on_error is told",
              everywhere) {
    for (const Where where : all_places) {
        if (where == Where::error) continue;
        INFO("in ", names[static_cast<std::size_t>(where)]);
        Case c{mode, where, [](Case&, Connection*) { throw std::runtime_error{"handler"}; }};
        c.play();
        CHECK(c.done);
        const auto& stats = c.set->stats();
        const auto thrown = stats.closed[static_cast<std::size_t>(CloseReason::exception)];
        CHECK_EQ(thrown, where == Where::close ? 0 : 1);
        CHECK_EQ(c.closed, c.opened);
        CHECK_EQ(stats.opened, 3);
    }
}

CONTRACT_CASE("P15 what a handler had sent before it threw goes to nobody, least of all to another",
              everywhere) {
    EventLoop loop{mode.backend};
    ConnectionHandlers handlers{.on_data =
                                    [](Connection& connection, ByteView data) {
                                        connection.send(data);
                                        if (text_of(data) == "secret")
                                            throw std::runtime_error{"after it was sent"};
                                        return data.size();
                                    },
                                .on_error = [](const std::exception_ptr&) {}};
    ConnectionSet set{loop, std::move(handlers), {.trigger = mode.trigger}};
    const Adopted one = adopt_unix(set);
    const Adopted other = adopt_unix(set);
    settle(loop);
    put(one.theirs, "secret");
    settle(loop);
    CHECK_EQ(drain(one.theirs), "");
    put(other.theirs, "public");
    settle(loop);
    CHECK_EQ(drain(other.theirs), "public");
}

CONTRACT_CASE("P2 the set is destroyed by an on_close that a call from elsewhere brought about",
              everywhere) {
    using Do = std::function<void(Connection&)>;
    const std::vector<Do> ways{
        [](Connection& connection) { connection.abort(); },
        [](Connection& connection) { connection.send("to nobody"); }, // EPIPE
        [](Connection& connection) { connection.close(); },           // the peer has ended
        [](Connection& connection) {
            connection.pause_reading();
            connection.send(std::string(2'000'000, 'x')); // over the limit
        },
    };
    for (std::size_t way = 0; way < ways.size(); ++way) {
        INFO("way ", way);
        EventLoop loop{mode.backend};
        std::unique_ptr<ConnectionSet> set;
        int closed = 0;
        set = std::make_unique<ConnectionSet>(
            loop,
            ConnectionHandlers{.on_end = [](Connection&) {},
                               .on_close =
                                   [&](Connection&, const Closed&) {
                                       if (++closed == 1) set.reset();
                                   }},
            ConnectionOptions{.trigger = mode.trigger, .output_limit = 1'000'000});
        Adopted one = adopt_unix(*set);
        const Adopted two = adopt_unix(*set);
        if (way == 2) {
            ::shutdown(one.theirs.get(), SHUT_WR);
            settle(loop);
        } else if (way != 3) {
            one.theirs.reset();
        }
        ways[way](*set->find(one.id));
        CHECK_EQ(closed, 2);
        CHECK_EQ(set, nullptr);
        settle(loop);
    }
}

CONTRACT_CASE("P2 an on_close makes a connection in the place of the one that goes", everywhere) {
    EventLoop loop{mode.backend};
    std::optional<ConnectionSet> set;
    std::vector<Adopted> fresh;
    bool over = false;
    ConnectionHandlers handlers;
    handlers.on_close = [&](Connection&, const Closed&) {
        if (!over) fresh.push_back(adopt_unix(*set));
    };
    set.emplace(loop, std::move(handlers), ConnectionOptions{.trigger = mode.trigger});
    set->set_on_gone([&] {
        if (!over) fresh.push_back(adopt_unix(*set));
        over = true;
    });
    Adopted one = adopt_unix(*set);
    one.theirs.reset();
    CHECK_FALSE(set->find(one.id)->send("x"));
    REQUIRE_EQ(fresh.size(), 2);
    settle(loop);
    for (const Adopted& each : fresh) {
        CHECK(set->find(each.id)->send("alive"));
        CHECK_EQ(drain(each.theirs), "alive");
    }
}

CONTRACT_CASE("P2 the set is destroyed by its on_gone", everywhere) {
    EventLoop loop{mode.backend};
    std::unique_ptr<ConnectionSet> set;
    const auto kept = std::make_shared<int>(0);
    set = std::make_unique<ConnectionSet>(loop, ConnectionHandlers{},
                                          ConnectionOptions{.trigger = mode.trigger});
    set->set_on_gone([&set, kept] {
        set.reset();
        ++*kept; // the callable lives until it returns
    });
    const Adopted one = adopt_unix(*set);
    const Adopted two = adopt_unix(*set);
    set->find(one.id)->abort();
    CHECK_EQ(set, nullptr);
    CHECK_EQ(*kept, 1);
    CHECK_EQ(kept.use_count(), 1);
}

CONTRACT_CASE("P2 a client that connects again in on_close: not while its set is destroyed",
              everywhere) {
    EventLoop loop{mode.backend};
    const Fd listener = tcp_listener();
    const Address address = Address::ipv4_loopback(static_cast<std::uint16_t>(port_of(listener)));
    int opened = 0;
    int closed = 0;
    ConnectionSet* connections = nullptr;
    {
        ConnectionSet set{loop,
                          {.on_open = [&](Connection&) { ++opened; },
                           .on_close =
                               [&](Connection&, const Closed&) {
                                   ++closed;
                                   connections->connect(address);
                                   connections->adopt(Socket::pair().first);
                               }},
                          {.trigger = mode.trigger}};
        connections = &set;
        for (int i = 0; i < 3; ++i) set.connect(address);
        run_until(loop, [&] { return opened == 3; });
    }
    CHECK_EQ(opened, 3);
    CHECK_EQ(closed, 3);
    settle(loop);
}

CONTRACT_CASE("P15 a handler destroys the set and then throws: run throws, nobody is called",
              everywhere) {
    EventLoop loop{mode.backend};
    std::unique_ptr<ConnectionSet> set;
    bool told = false;
    set = std::make_unique<ConnectionSet>(
        loop,
        ConnectionHandlers{.on_data = [&](Connection&, ByteView) -> std::size_t {
                               set.reset();
                               throw std::runtime_error{"after the end"};
                           },
                           .on_error = [&](const std::exception_ptr&) { told = true; }},
        ConnectionOptions{.trigger = mode.trigger});
    const Adopted one = adopt_unix(*set);
    put(one.theirs, "x");
    CHECK_THROWS_WITH(settle(loop), "after the end");
    CHECK_FALSE(told);
}

CONTRACT_CASE("P15 without on_error the handler's exception leaves run, and all else goes on",
              everywhere) {
    EventLoop loop{mode.backend};
    Seen seen;
    ConnectionHandlers handlers = note(seen);
    handlers.on_data = [](Connection& connection, ByteView data) {
        if (text_of(data) == "bad") throw std::runtime_error{"bad data"};
        connection.send(data);
        return data.size();
    };
    ConnectionSet set{loop, std::move(handlers), {.trigger = mode.trigger}};
    const Adopted bad = adopt_unix(set);
    const Adopted good = adopt_unix(set);
    put(bad.theirs, "bad");
    put(good.theirs, "good");
    CHECK_THROWS_WITH(settle(loop), "bad data");
    settle(loop);
    CHECK(closed_once(seen, CloseReason::exception));
    CHECK(at_end(bad.theirs));
    CHECK_EQ(drain(good.theirs), "good");
}

CONTRACT_CASE("P15 the handler throws and so does on_close: the first is told first", everywhere) {
    EventLoop loop{mode.backend};
    std::vector<std::string> told;
    {
        bool gone = false;
        ConnectionSet set{
            loop,
            {.on_data = [](Connection&, ByteView) -> std::size_t { throw std::runtime_error{"1"}; },
             .on_close =
                 [](Connection&, const Closed& closed) {
                     CHECK(closed.reason == CloseReason::exception);
                     throw std::runtime_error{"2"};
                 },
             .on_error =
                 [&](const std::exception_ptr& error) {
                     try {
                         std::rethrow_exception(error);
                     } catch (const std::runtime_error& what) {
                         told.emplace_back(what.what());
                     }
                 }},
            {.trigger = mode.trigger}};
        set.set_on_gone([&] { gone = true; });
        const Adopted one = adopt_unix(set);
        put(one.theirs, "x");
        settle(loop);
        CHECK(gone);
    }
    CHECK_EQ(told, std::vector<std::string>{"1", "2"});
}
