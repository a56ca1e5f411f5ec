#include <pollux/stream/server.hpp>

#include <optional>
#include <stdexcept>
#include <utility>

namespace pollux {
namespace {

Socket listen(const Address& address, const ListenOptions& options) {
    Socket socket = Socket::listen(address, options);
    // Accepted sockets inherit it: one call here instead of one for each connection.
    if (address.family() != AF_UNIX) socket.set(option::no_delay, true);
    return socket;
}

} // namespace

// Shared with whatever of it runs while a handler destroys the server.
struct Server::State : std::enable_shared_from_this<Server::State> {
    State(EventLoop& on, std::span<const Address> addresses, ConnectionHandlers handlers,
          const ServerOptions& options)
        : loop{on},
          max_connections{options.max_connections},
          shares_port{options.listen.reuse_port},
          connections{std::in_place, loop, std::move(handlers), options.connection} {
        if (addresses.empty()) throw std::invalid_argument{"Server: no address to listen at"};
        connections->set_on_gone([this] { on_gone(); });
        for (const Address& address : addresses)
            listeners.emplace_back(
                loop, listen(address, options.listen),
                [this](Socket socket) { accept(std::move(socket)); },
                AcceptOptions{options.connection.trigger, options.accepts_per_visit});
    }

    void accept(Socket socket) {
        const auto self = shared_from_this();
        const std::uint64_t opened = connections->stats().opened;
        try {
            const ConnectionId id = connections->adopt(std::move(socket));
            Connection* const late = draining && connections ? connections->find(id) : nullptr;
            if (late != nullptr) late->close();
        } catch (const std::exception&) {
            // A handler's exception goes on. One that the kernel does not watch (select: the number
            // does not fit; no memory) must not end the others: it is closed.
            if (!connections || connections->stats().opened != opened) throw;
            ++shed;
        }
        if (connections && connections->size() >= max_connections)
            for (Listener& listener : listeners) listener.pause();
    }

    // A handler may call this again for each client that is taken, or destroy the server.
    void stop_listening() {
        if (listeners.empty() || std::exchange(stopping, true)) return;
        const auto self = shared_from_this();
        const struct Closing {
            State& state;
            ~Closing() {
                if (state.listeners.empty()) return; // a handler destroyed the server
                state.shed = state.all_shed();
                state.listeners.clear();
                state.end_if_drained();
            }
        } closing{*this};
        if (!shares_port) return;
        // By places: a handler may destroy the server, and the listeners with it.
        // NOLINTNEXTLINE(modernize-loop-convert)
        for (std::size_t place = 0; place < listeners.size(); ++place)
            listeners[place].accept_waiting();
    }

    std::uint64_t all_shed() const noexcept {
        std::uint64_t sum = shed;
        for (const Listener& listener : listeners) sum += listener.shed();
        return sum;
    }

    void on_gone() {
        if (!listeners.empty() && connections->size() < max_connections)
            for (Listener& listener : listeners) listener.resume();
        end_if_drained();
    }

    // In a turn of its own: `on_done` may destroy the server, which calls this in the middle of
    // ending a connection.
    void end_if_drained() {
        if (draining && listeners.empty() && connections->size() == 0) drained.run_at({});
    }

    void drain(Clock::duration timeout, Task on_done) {
        const auto self = shared_from_this();
        draining = true;
        on_drained = std::move(on_done);
        drained = loop.run_after(timeout, [this] { finish_draining(); });
        stop_listening();
        if (!connections) return; // a handler destroyed the server
        connections->for_each([](Connection& connection) { connection.close(); });
        if (connections) end_if_drained();
    }

    void finish_draining() {
        const auto self = shared_from_this();
        drained.run_at({}); // first: should a handler throw, the rest follows in the next turn
        connections->for_each([](Connection& connection) { connection.abort(); });
        if (!connections) return;              // a handler destroyed the server
        const Timer last = std::move(drained); // keeps the running task
        Task done = std::move(on_drained);
        draining = false;
        if (done) done();
    }

    EventLoop& loop;
    std::size_t max_connections;
    bool shares_port;
    bool stopping = false;
    std::optional<ConnectionSet> connections;
    std::vector<Listener> listeners;
    std::uint64_t shed = 0; // but for the listeners' own
    bool draining = false;
    Task on_drained;
    Timer drained;
};

Server::Server(EventLoop& loop, const Address& address, ConnectionHandlers handlers,
               ServerOptions options)
    : Server{loop, std::span{&address, 1}, std::move(handlers), options} {}
Server::Server(EventLoop& loop, std::span<const Address> addresses, ConnectionHandlers handlers,
               ServerOptions options)
    : state_{std::make_shared<State>(loop, addresses, std::move(handlers), options)} {}
Server::~Server() {
    state_->listeners.clear();
    state_->connections.reset();
    state_->drained = {};
}

Address Server::address() const {
    if (state_->listeners.empty()) throw std::logic_error{"Server::address: it does not listen"};
    return state_->listeners.front().address();
}
std::vector<Address> Server::addresses() const {
    std::vector<Address> all;
    for (const Listener& listener : state_->listeners) all.push_back(listener.address());
    return all;
}
ConnectionSet& Server::connections() noexcept { return *state_->connections; }
void Server::set_on_error(UniqueFunction<void(const Address&, std::error_code)> on_error) {
    // Shared, since it may be replaced while it runs.
    const auto told = std::make_shared<decltype(on_error)>(std::move(on_error));
    for (Listener& listener : state_->listeners)
        listener.set_on_error([told, address = listener.address()](std::error_code error) {
            if (*told) (*told)(address, error);
        });
}
std::uint64_t Server::shed() const noexcept { return state_->all_shed(); }
void Server::stop_accepting() { state_->stop_listening(); }
void Server::drain(Clock::duration timeout, Task on_done) {
    state_->drain(timeout, std::move(on_done));
}

} // namespace pollux
