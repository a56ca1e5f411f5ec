#include <pollux/instruments/simulation.hpp>

#include <algorithm>
#include <pollux/error.hpp>
#include <utility>

#include "instruments/datagram_socket.hpp"
#include "instruments/simulated_kernel.hpp"
#include "instruments/tcp_socket.hpp"
#include "instruments/unix_socket.hpp"

namespace pollux {
namespace {

using simulated::Result;

void or_throw(Result result, const char* call, const Address& at) {
    if (result < 0) throw_system_error(static_cast<int>(-result), call, at.to_string());
}

simulated::StreamSocket& stream_socket(simulated::World& world, int family) {
    simulated::StreamSocket* made = nullptr;
    if (family == AF_UNIX)
        made = &world.make<simulated::UnixSocket>();
    else
        made = &world.make<simulated::TcpSocket>(family);
    made->non_blocking = true;
    return *made;
}

} // namespace

class Simulation::Parts {
public:
    Parts(Choices& choices, SimulationOptions options)
        : world{choices, std::move(options)}, before_{replace_kernel(&kernel_)} {}
    ~Parts() { replace_kernel(before_); }
    Parts(const Parts&) = delete;
    Parts& operator=(const Parts&) = delete;

    simulated::World world;

private:
    simulated::SimulatedKernel kernel_{world};
    Kernel* before_;
};

Simulation::Simulation(Choices& choices, SimulationOptions options)
    : parts_{std::make_unique<Parts>(choices, std::move(options))} {}

Simulation::~Simulation() {
    for (Actor* actor : parts_->world.actors) actor->in_ = nullptr;
}

Actor::~Actor() {
    if (in_ != nullptr) in_->remove(*this);
}

RemoteEnd Simulation::connect(const Address& to) {
    auto& socket = stream_socket(parts_->world, to.family());
    note("somebody connects to " + to.to_string());
    const Result result = socket.connect(to);
    if (result < 0 && result != -EINPROGRESS) socket.was_refused = true;
    return RemoteEnd{&socket};
}

RemoteListener Simulation::listen(const Address& at, int backlog) {
    auto& socket = stream_socket(parts_->world, at.family());
    or_throw(socket.bind(at), "bind", at);
    or_throw(socket.listen(backlog), "listen", at);
    return RemoteListener{&socket};
}

RemotePeer Simulation::datagrams(const Address& at) {
    auto& socket = parts_->world.make<simulated::DatagramSocket>(at.family());
    socket.non_blocking = true;
    or_throw(socket.bind(at), "bind", at);
    return RemotePeer{&socket};
}

void Simulation::add(Actor& actor) {
    parts_->world.actors.push_back(&actor);
    actor.in_ = this;
}

void Simulation::remove(Actor& actor) {
    std::erase(parts_->world.actors, &actor);
    actor.in_ = nullptr;
}

void Simulation::raise(int signal) {
    note("signal " + std::to_string(signal));
    parts_->world.raise(signal);
}

void Simulation::deliver() { parts_->world.deliver_all(); }

Clock::time_point Simulation::now() const { return Clock::time_point{parts_->world.now}; }
void Simulation::advance(Clock::duration by) { parts_->world.now += by; }

bool Simulation::deadlocked() const { return parts_->world.deadlocked; }
bool Simulation::endless() const { return parts_->world.endless; }
std::uint64_t Simulation::calls() const { return parts_->world.calls; }
void Simulation::rethrow() const {
    if (parts_->world.thrown) std::rethrow_exception(parts_->world.thrown);
}

std::vector<std::string> Simulation::open_descriptors() const {
    std::vector<std::string> open;
    const auto& table = parts_->world.table();
    for (std::size_t place = 0; place < table.size(); ++place)
        if (table[place] != nullptr)
            open.push_back(
                std::to_string(parts_->world.options.first_descriptor + static_cast<int>(place)) +
                " " + table[place]->text());
    return open;
}

std::string Simulation::story(std::size_t lines) const { return parts_->world.story(lines); }
void Simulation::note(std::string text) { parts_->world.note(std::move(text)); }

// --- the others --------------------------------------------------------------------------------

using Phase = simulated::StreamSocket::Phase;

std::size_t RemoteEnd::send(std::string_view bytes) {
    if (closed()) return 0;
    const Result sent = socket_->send(bytes_of(bytes), MSG_NOSIGNAL, nullptr);
    return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

std::size_t RemoteEnd::room() const { return closed() ? 0 : socket_->room(); }

bool RemoteEnd::send_urgent(char byte) {
    return !closed() && socket_->send(bytes_of({&byte, 1}), MSG_NOSIGNAL | MSG_OOB, nullptr) == 1;
}

std::string RemoteEnd::receive(std::size_t most) {
    if (closed()) return {};
    std::string bytes(std::min(most, arrived()), '\0');
    const Result count = socket_->read(std::as_writable_bytes(std::span{bytes}), 0);
    bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return bytes;
}

std::size_t RemoteEnd::arrived() const { return closed() ? 0 : socket_->unread(); }

void RemoteEnd::shut() {
    if (closed()) return;
    socket_->world().note("somebody says the end");
    socket_->shutdown(SHUT_WR);
}

void RemoteEnd::close() {
    if (closed()) return;
    closed_ = true;
    socket_->world().note("somebody closes");
    socket_->release();
}

void RemoteEnd::reset() {
    if (closed()) return;
    closed_ = true;
    socket_->world().note("somebody resets");
    socket_->reset();
}

bool RemoteEnd::connected() const { return !closed() && socket_->phase == Phase::connected; }
bool RemoteEnd::refused() const { return socket_ != nullptr && socket_->was_refused; }
bool RemoteEnd::was_reset() const { return socket_ != nullptr && socket_->was_reset; }
bool RemoteEnd::ended() const { return socket_ != nullptr && socket_->is_at_end(); }
bool RemoteEnd::closed() const { return socket_ == nullptr || closed_; }

Address RemoteEnd::local() const { return closed() ? Address{} : socket_->local; }
Address RemoteEnd::peer() const { return closed() ? Address{} : socket_->peer_name; }

std::optional<RemoteEnd> RemoteListener::accept() {
    simulated::Socket* accepted = nullptr;
    if (socket_->accept(accepted) < 0) return std::nullopt;
    accepted->non_blocking = true;
    return RemoteEnd{static_cast<simulated::StreamSocket*>(accepted)};
}

std::size_t RemoteListener::waiting() const { return socket_->waiting(); }
Address RemoteListener::address() const { return socket_->local; }
void RemoteListener::close() { socket_->release(); }

void RemotePeer::send_to(const Address& to, std::string_view bytes) {
    socket_->send(bytes_of(bytes), 0, &to);
}

std::optional<RemoteDatagram> RemotePeer::receive() {
    std::string bytes(65536, '\0');
    simulated::Envelope envelope;
    const Result count = socket_->receive(std::as_writable_bytes(std::span{bytes}), 0, envelope);
    if (count < 0) return std::nullopt;
    bytes.resize(static_cast<std::size_t>(count));
    return RemoteDatagram{.bytes = std::move(bytes), .from = envelope.from};
}

Address RemotePeer::address() const { return socket_->local; }
void RemotePeer::close() { socket_->release(); }

} // namespace pollux
