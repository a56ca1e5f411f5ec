// The demo servers themselves in many orders of things. Not among them: command_server (starts
// processes), login_server, transfer_server, upload_server (have work done on other threads), and
// upper_server (its models are made of threads and processes): a simulation has one thread.

#include "demo_run.hpp"

#include <algorithm>
#include <vector>

using namespace pollux;
using namespace pollux_test;

namespace {

ExploreOptions usual() { return thorough(40, 40); }

// Each client sends bytes in some pieces and gets back the same.
void three_echoes(Clients& clients, Simulation&) {
    for (unsigned i = 1; i <= 3; ++i) {
        const std::string bytes = pattern(std::size_t{40} * i, i);
        clients.add(Script{}.send(bytes).expect(bytes).end().expect_end());
    }
    clients.add(Script{}.send("leaves").perhaps_leave().end().read_to_end());
}

std::string frame(const std::string& message) {
    const auto size = static_cast<std::uint32_t>(message.size());
    std::string bytes;
    for (unsigned shift = 0; shift < 32; shift += 8)
        bytes += static_cast<char>(size >> shift & 0xFFU);
    return bytes + message;
}

// Whom port_forwarder forwards to: sends back what comes, and ends when the other does.
class EchoingTarget final : public Actor {
public:
    EchoingTarget(Simulation& simulation, const Address& address)
        : simulation_{simulation}, listener_{simulation.listen(address)} {
        simulation.add(*this);
    }
    ~EchoingTarget() override { simulation_.remove(*this); }

    bool can_act() override {
        return listener_.waiting() > 0 || std::ranges::any_of(guests_, has_work);
    }
    void act() override {
        if (const auto end = listener_.accept()) guests_.push_back({*end});
        for (auto& [end, heard] : guests_) {
            heard += end.receive();
            heard.erase(0, end.send(heard));
            if (end.ended() && heard.empty()) end.close();
        }
    }

private:
    struct Guest {
        RemoteEnd end;
        std::string heard{}; // and not sent back yet
    };
    static bool has_work(const Guest& guest) {
        if (guest.end.closed()) return false;
        return guest.end.arrived() > 0 ||
               (guest.heard.empty() ? guest.end.ended() : guest.end.room() > 0);
    }

    Simulation& simulation_;
    RemoteListener listener_;
    std::vector<Guest> guests_;
};

} // namespace

CONTRACT_CASE("echo_server on the simulated kernel", where_simulated) {
    check_demo(mode, {.name = "echo_server", .clients = three_echoes, .prints = ""}, small_scope(),
               usual());
}

CONTRACT_CASE("coroutine_echo_server on the simulated kernel", where_simulated) {
    check_demo(mode, {.name = "coroutine_echo_server", .clients = three_echoes, .prints = ""},
               small_scope(), usual());
}

CONTRACT_CASE("discard_server on the simulated kernel", where_simulated) {
    const auto clients = [](Clients& all, Simulation&) {
        for (int i = 0; i < 2; ++i) all.add(Script{}.send(pattern(300)).end().expect_end());
        all.add(Script{}.send("leaves").perhaps_leave().end().read_to_end());
    };
    check_demo(mode, {.name = "discard_server", .clients = clients, .prints = ""}, small_scope(),
               usual());
}

CONTRACT_CASE("hello_server on the simulated kernel", where_simulated) {
    const auto clients = [](Clients& all, Simulation&) {
        for (int i = 0; i < 2; ++i)
            all.add(Script{}.send("x").expect("Hello World").end().expect_end());
    };
    check_demo(mode, {.name = "hello_server", .clients = clients, .prints = "x\nx\n"},
               small_scope(), usual());
}

CONTRACT_CASE("line_server on the simulated kernel: lines come whole however they are cut",
              where_simulated) {
    const auto clients = [](Clients& all, Simulation&) {
        const std::string lines = "one\n\ntwo\nthree and more\n";
        for (int i = 0; i < 2; ++i) all.add(Script{}.send(lines).expect(lines).end().expect_end());
        all.add(Script{}.send("not finished").end().read_to_end());
    };
    check_demo(mode, {.name = "line_server", .clients = clients, .prints = ""}, small_scope(),
               usual());
}

CONTRACT_CASE("frame_server on the simulated kernel: frames come whole however they are cut",
              where_simulated) {
    const auto clients = [](Clients& all, Simulation&) {
        all.add(Script{}.send(frame("one") + frame("") + frame("two")).end().expect_end());
        all.add(Script{}.send(frame("cut").substr(0, 5)).end().read_to_end());
        all.add(Script{}.may_be_cut().send("\xff\xff\xff\xff").end().read_to_end());
    };
    check_demo(mode, {.name = "frame_server", .clients = clients, .prints = "one\n\ntwo\n"},
               small_scope(), usual());
}

CONTRACT_CASE("chat_server on the simulated kernel: all hear what one says, in order",
              where_simulated) {
    const auto clients = [](Clients& all, Simulation&) {
        // The speaker waits until the hearers are certainly there.
        for (int i = 0; i < 2; ++i) all.add(Script{}.expect("one, two, three").end().read_to_end());
        all.add(Script{}
                    .wait(std::chrono::minutes{1})
                    .send("one, ")
                    .send("two, ")
                    .send("three")
                    .end()
                    .expect_end());
        all.add(Script{}.perhaps_leave().end().read_to_end());
    };
    check_demo(mode, {.name = "chat_server", .clients = clients, .prints = ""}, small_scope(),
               usual());
}

CONTRACT_CASE("chat_server on the simulated kernel: a member that does not read delays nobody",
              where_simulated) {
    const auto clients = [](Clients& all, Simulation&) {
        const std::string message = pattern(500);
        Script hearer;
        Script speaker;
        for (int i = 0; i < 20; ++i) {
            hearer.expect(message);
            speaker.wait(std::chrono::minutes{1}).send(message);
        }
        all.add(Script{}.may_be_cut().wait(std::chrono::hours{2}).read_to_end());
        all.add(hearer.end().read_to_end());
        all.add(speaker.end().expect_end());
    };
    SimulationOptions options = small_scope();
    options.send_buffer = 512;
    options.receive_buffer = 512;
    check_demo(mode,
               {.name = "chat_server",
                .options = {"--member-limit", "4000"},
                .clients = clients,
                .check =
                    [](const std::string& printed) {
                        expect(printed.find("reads too slowly") != std::string::npos,
                               "it says whom it dropped");
                    }},
               options, usual());
}

CONTRACT_CASE("delay_server on the simulated kernel: who sleeps keeps nobody waiting",
              where_simulated) {
    const auto clients = [](Clients& all, Simulation&) {
        all.add(Script{}.send("sleep").wait(std::chrono::seconds{6}).end().read_to_end());
        all.add(Script{}.send("x").expect("已收到普通信息:x").end().expect_end());
    };
    check_demo(mode, {.name = "delay_server", .clients = clients, .prints = ""}, small_scope(),
               usual());
}

CONTRACT_CASE("guess_who_server on the simulated kernel", where_simulated) {
    const auto clients = [](Clients& all, Simulation&) {
        for (int i = 0; i < 2; ++i)
            all.add(Script{}.expect("你找谁呀!").send("a").expect("什么").end().expect_end());
    };
    check_demo(
        mode,
        {.name = "guess_who_server", .options = {"--seed", "1"}, .clients = clients, .prints = ""},
        small_scope(), usual());
}

CONTRACT_CASE("http_server on the simulated kernel: requests in any pieces, pipelined",
              where_simulated) {
    const auto clients = [](Clients& all, Simulation&) {
        const std::string request = "GET /plain HTTP/1.1\r\nHost: a\r\n\r\n";
        const std::string last = "GET /plain HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        all.add(Script{}.send(request + request + last).read_to_end());
        all.add(Script{}.may_be_cut().send("NONSENSE\r\n\r\n").end().read_to_end());
        all.add(Script{}.send(request).wait(std::chrono::hours{1}).read_to_end());
    };
    check_demo(mode, {.name = "http_server", .clients = clients, .prints = ""}, small_scope(),
               usual());
}

CONTRACT_CASE("udp_ack_server on the simulated kernel", where_simulated) {
    std::optional<RemotePeer> peer;
    const auto clients = [&](Clients& all, Simulation& simulation) {
        peer = simulation.datagrams(Address::ipv4_loopback(40'000));
        peer->send_to(Address::ipv4_loopback(7777), "one");
        peer->send_to(Address::ipv4_loopback(7777), "two");
        all.none();
    };
    const auto shows_both = [](const std::string& printed) {
        const std::string one = "127.0.0.1:40000: one\n";
        const std::string two = "127.0.0.1:40000: two\n";
        expect(printed == one + two || printed == two + one, "it printed: " + printed);
    };
    Variations vary;
    vary.lost_datagrams = false;
    check_demo(mode, {.name = "udp_ack_server", .clients = clients, .check = shows_both},
               small_scope(vary), usual());
}

CONTRACT_CASE("talk_server on the simulated kernel: one client at a time", where_simulated) {
    const auto clients = [](Clients& all, Simulation&) {
        for (int i = 0; i < 2; ++i) all.add(Script{}.send("hi\n").end().read_to_end());
    };
    check_demo(mode,
               {.name = "talk_server",
                .clients = clients,
                .check =
                    [](const std::string& printed) {
                        expect(printed.find(": hi\n") != std::string::npos,
                               "it shows what is said");
                    }},
               small_scope(), usual());
}

CONTRACT_CASE("print_server on the simulated kernel: all bytes are shown", where_simulated) {
    const auto clients = [](Clients& all, Simulation&) {
        all.add(Script{}.send("abcdef").end().expect_end());
    };
    const auto shows_all = [](const std::string& printed) {
        std::string letters;
        for (const char byte : printed)
            if (byte >= 'a' && byte <= 'f') letters += byte;
        expect(letters == "abcdef", "it printed: " + printed);
    };
    check_demo(mode, {.name = "print_server", .clients = clients, .check = shows_all},
               small_scope(), usual());
}

CONTRACT_CASE("port_forwarder on the simulated kernel: what goes through comes back whole",
              where_simulated) {
    std::optional<EchoingTarget> target;
    const auto clients = [&](Clients& all, Simulation& simulation) {
        target.emplace(simulation, Address::parse("192.0.2.1:80"));
        for (unsigned i = 1; i <= 2; ++i) {
            const std::string bytes = pattern(std::size_t{100} * i, i);
            all.add(Script{}.send(bytes).end().expect(bytes).expect_end());
        }
    };
    check_demo(mode,
               {.name = "port_forwarder",
                .options = {"--to", "192.0.2.1:80"},
                .clients = clients,
                .prints = "",
                .after = [&] { target.reset(); }},
               small_scope(), usual());
}
