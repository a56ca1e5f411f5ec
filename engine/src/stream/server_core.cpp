#include "stream/server_core.hpp"

#include <exception>
#include <utility>

namespace pollux {

Socket listen_for_clients(const Address& address, const ListenOptions& options) {
    Socket socket = Socket::listen(address, options);
    // Accepted sockets inherit it: one call here instead of one for each connection.
    if (address.family() != AF_UNIX) socket.set(option::no_delay, true);
    return socket;
}

void set_on_error_of(std::span<Listener> listeners,
                     UniqueFunction<void(const Address&, std::error_code)> on_error) {
    // Shared, since it may be replaced while it runs.
    const auto told = std::make_shared<decltype(on_error)>(std::move(on_error));
    for (Listener& listener : listeners)
        listener.set_on_error([told, address = listener.address()](std::error_code error) {
            if (*told) (*told)(address, error);
        });
}

AcceptOptions accept_options(const ServerOptions& options, Trigger trigger) {
    return {.trigger = trigger,
            .accepts_per_visit = options.accepts_per_visit,
            .back_off = options.accept_back_off};
}

ServerCore::ServerCore(EventLoop& on, ConnectionHandlers handlers, const ServerOptions& how)
    : loop{on}, options{how}, connections{std::in_place, on, std::move(handlers), how.connection} {
    connections->set_on_gone([this] { on_gone(); });
}

void ServerCore::listen(Socket socket, Trigger trigger, Listener::Accept on_accept) {
    listeners.emplace_back(loop, std::move(socket), std::move(on_accept),
                           accept_options(options, trigger));
}
void ServerCore::listen(Socket socket, Trigger trigger) {
    listen(std::move(socket), trigger, [this](Socket accepted) { take(std::move(accepted)); });
}

void ServerCore::take(Socket socket) {
    if (!connections) return;
    const auto self = shared_from_this();
    ++counted;
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
    if (!connections) return;
    tell_count();
    if (is_full())
        for (Listener& listener : listeners) listener.pause();
}

// A handler may call this again for each client that is taken, or destroy the server.
void ServerCore::stop_listening(Queue queue) {
    if (listeners.empty() || std::exchange(stopping, true)) return;
    const auto self = shared_from_this();
    const struct Closing {
        ServerCore& core;
        ~Closing() {
            if (core.listeners.empty()) return; // a handler destroyed the server
            core.shed = core.all_shed();
            core.listeners.clear();
            core.end_if_drained();
        }
    } closing{*this};
    if (queue == Queue::left) return;
    // By places: a handler may destroy the server, and the listeners with it.
    // NOLINTNEXTLINE(modernize-loop-convert)
    for (std::size_t place = 0; place < listeners.size(); ++place)
        listeners[place].accept_waiting();
}

std::uint64_t ServerCore::all_shed() const noexcept {
    std::uint64_t sum = shed;
    for (const Listener& listener : listeners) sum += listener.shed();
    return sum;
}

void ServerCore::on_gone() {
    if (!listeners.empty() && !is_full())
        for (Listener& listener : listeners) listener.resume();
    tell_count();
    end_if_drained();
}

// By the size, not one by one: the set may have connections that nobody accepted.
void ServerCore::tell_count() {
    const std::size_t now = connections->size();
    const std::size_t more = now - std::exchange(counted, now);
    if (on_count && more != 0) on_count(more);
}

// In a turn of its own: `on_done` may destroy the server, which calls this in the middle of ending
// a connection.
void ServerCore::end_if_drained() {
    if (draining && listeners.empty() && connections->size() == 0) drained.run_at({});
}

void ServerCore::drain(Clock::duration timeout, Task on_done) {
    if (!connections) return;
    const auto self = shared_from_this();
    draining = true;
    on_drained = std::move(on_done);
    drained = loop.run_after(timeout, [this] { finish_draining(); });
    stop_listening();
    if (!connections) return; // a handler destroyed the server
    connections->for_each([](Connection& connection) { connection.close(); });
    if (connections) end_if_drained();
}

void ServerCore::finish_draining() {
    const auto self = shared_from_this();
    drained.run_at({}); // first: should a handler throw, the rest follows in the next turn
    connections->for_each([](Connection& connection) { connection.abort(); });
    if (!connections) return;              // a handler destroyed the server
    const Timer last = std::move(drained); // keeps the running task
    Task done = std::move(on_drained);
    draining = false;
    if (done) done();
}

void ServerCore::end() noexcept {
    listeners.clear();
    connections.reset();
    drained = {};
}

} // namespace pollux
