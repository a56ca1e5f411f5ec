// Forwards each connection to another address: a Listener, and for each client a Connector to the
// target and then a Relay between the two. The bytes stay in the kernel.
//
//     port_forwarder --port 7777 --to 127.0.0.1:8888 &
//     port_forwarder --port 7777 --to unix:/run/service &
//
// SIGTERM: nobody is accepted any more, and who is connected may finish within --drain.

#include "common/program.hpp"

#include <iterator>
#include <list>
#include <pollux/stream/connector.hpp>
#include <pollux/stream/listener.hpp>
#include <pollux/stream/relay.hpp>
#include <stdexcept>

using namespace pollux;

namespace {

struct Settings {
    std::string to;
    std::chrono::milliseconds connect_timeout{std::chrono::seconds{10}};
    std::chrono::milliseconds idle_timeout{std::chrono::hours{1}};
    std::chrono::milliseconds drain{std::chrono::seconds{5}};

    Address target() const {
        const Address address = Address::parse(to);
        if (address.family() != AF_UNIX && address.port() == 0)
            throw std::invalid_argument{"--to " + to + ": the port is missing"};
        return address;
    }
};

void send_small_pieces_at_once(Socket& socket) {
    if (socket.family() != AF_UNIX) socket.set(option::no_delay, true);
}

class Forwarder {
public:
    Forwarder(EventLoop& loop, const Address& at, const Settings& settings, Trigger trigger)
        : loop_{loop},
          settings_{settings},
          target_{settings.target()},
          trigger_{trigger},
          over_{loop.run_after({}, [&loop] { loop.stop(); })} {
        over_.cancel();
        listener_.emplace(
            loop, Socket::listen(at), [this](Socket client) { connect(std::move(client)); },
            AcceptOptions{.trigger = trigger});
        if (address() == target_)
            throw std::invalid_argument{"--to " + settings.to + ": that is where it listens"};
        for (const char* const name :
             {"failed.connect", "failed.relay", "from_clients", "from_target", "idle", "relayed"})
            counters_.count(name, 0);
    }

    Address address() const { return listener_->address(); }

    std::string stats() const {
        return "stats accepted=" + std::to_string(accepted_) +
               " open=" + std::to_string(links_.size()) +
               " shed=" + std::to_string(listener_ ? listener_->shed() : shed_) +
               counters_.to_string() + demos::calls_made();
    }

    void leave() {
        listener_->accept_waiting();
        shed_ = listener_->shed();
        listener_.reset();
        over_.run_after(settings_.drain);
        if (links_.empty()) loop_.stop();
    }

private:
    // A client on its way to the target, and then the two of them.
    struct Link {
        Socket client;
        std::optional<Connector> connector{};
        std::optional<Relay> relay{};
    };
    using Place = std::list<Link>::iterator;

    void connect(Socket client) {
        ++accepted_;
        const auto link = links_.insert(links_.end(), Link{.client = std::move(client)});
        link->connector.emplace(loop_, target_, settings_.connect_timeout,
                                [this, link](Socket target, std::error_code error) {
                                    if (error)
                                        end(link, "failed.connect");
                                    else
                                        relay(link, std::move(target));
                                });
    }

    void relay(Place link, Socket target) {
        try {
            send_small_pieces_at_once(link->client);
            send_small_pieces_at_once(target);
            link->relay.emplace(
                loop_, std::move(link->client), std::move(target),
                RelayOptions{.trigger = trigger_, .idle_timeout = settings_.idle_timeout},
                [this, link](const RelayResult& result) { done(link, result); });
            link->connector.reset();
        } catch (const std::system_error&) { // no descriptors, or more than select takes
            end(link, "failed.relay");
        }
    }

    void done(Place link, const RelayResult& result) {
        counters_.count("from_clients", result.from_one);
        counters_.count("from_target", result.from_other);
        const char* const how = result.end == RelayEnd::both_ended ? "relayed"
                                : result.end == RelayEnd::idle     ? "idle"
                                                                   : "failed.relay";
        end(link, how);
    }

    void end(Place link, std::string_view how) {
        counters_.count(how);
        links_.erase(link);
        if (!listener_ && links_.empty()) loop_.stop();
    }

    EventLoop& loop_;
    const Settings& settings_;
    Address target_;
    Trigger trigger_;
    std::list<Link> links_;
    demos::Counters counters_;
    std::uint64_t accepted_ = 0;
    std::uint64_t shed_ = 0;
    std::optional<Listener> listener_; // until it leaves
    Timer over_;
};

} // namespace

int main(int argc, char** argv) {
    demos::Options options{"port_forwarder", "Forwards each connection to another address."};
    demos::CommonOptions common;
    Settings settings;
    bool stats = false;
    common.add_to_server(options);
    options.text("--to", settings.to, "the target: 127.0.0.1:80, [::1]:80, unix:/path, unix:@name",
                 demos::Options::Need::required);
    options.duration("--connect-timeout", settings.connect_timeout,
                     "how long the target may take to accept");
    options.duration("--idle-timeout", settings.idle_timeout,
                     "both are closed when nothing moves for so long");
    options.duration("--drain", settings.drain, "how long connections may go on after SIGTERM");
    options.flag("--stats", stats,
                 "print one line of statistics to standard error at the end and on SIGUSR1");
    return demos::run(options, argc, argv, [&] {
        demos::raise_descriptor_limit();
        common.sandbox.allow(demos::Permission::make_sockets);
        EventLoop loop = common.make_loop();
        Forwarder forwarder{loop, common.address(), settings, common.trigger};
        std::function<std::string()> line;
        if (stats) line = [&] { return forwarder.stats(); };
        demos::serve(loop, forwarder.address(), common.sandbox, line, [&] { forwarder.leave(); });
        return 0;
    });
}
