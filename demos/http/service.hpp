#pragma once

#include "../common/program.hpp"
#include "application.hpp"
#include "request_reader.hpp"
#include "response.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <pollux/stream/connection_set.hpp>

namespace demos::http {

/// How long a client may take, and how much it may send. Each phase of a request has its own
/// deadline, counted from when it began: sending a byte now and then puts nothing off.
struct ServiceLimits {
    RequestReader::Limits request{};
    std::chrono::milliseconds keep_alive_timeout{60'000}; ///< Between requests.
    std::chrono::milliseconds head_timeout{10'000};       ///< From its first byte to its last.
    std::chrono::milliseconds body_timeout{10'000};       ///< More for what came at this rate:
    std::uint64_t body_rate = 16384;                      ///< bytes a second.
    std::uint64_t bodies = std::uint64_t{128} << 20;      ///< In memory, of all clients together.
};

/// HTTP/1.1 on the connections of a server: reads requests, one after the other, and sends their
/// answers in the same order. A client that does not read its answers is not read from.
class Service {
public:
    struct Tally {
        std::uint64_t requests = 0;
        std::array<std::uint64_t, 6> answers{}; ///< By the first digit of the status.
        std::map<std::string_view, std::uint64_t> refused{};
    };

    /// Both must outlive it.
    Service(ServerProgram& program, const ServiceLimits& limits, Application& application);

    /// Its handlers for the server of the program.
    pollux::ConnectionHandlers handlers();
    /// The answer that `Application::answer` left for later, whose body is no longer in memory. To
    /// be called for each of them, though the client may be gone.
    void answer(pollux::ConnectionId asker, Response response);
    const Tally& tally() const { return tally_; }

private:
    struct Client;
    enum class Phase : std::uint8_t { idle, head, body, answering };

    static Client& of(pollux::Connection& connection);
    void open(pollux::Connection& connection);
    std::size_t take(pollux::Connection& connection, pollux::ByteView bytes);
    bool take_step(pollux::Connection& connection, const RequestReader::Step& step);
    void begin(pollux::Connection& connection);
    void gather(pollux::Connection& connection, std::string_view piece);
    void ask(pollux::Connection& connection);
    void respond(pollux::Connection& connection, Response response);
    void refuse(pollux::Connection& connection, int status, std::string_view reason);
    void end(pollux::Connection& connection);
    void close(pollux::Connection& connection);
    void enter(pollux::Connection& connection, Phase phase);
    void expire(pollux::ConnectionId id);

    ServerProgram& program_;
    const ServiceLimits& limits_;
    Application& application_;
    ResponseWriter writer_;
    Tally tally_;
    std::uint64_t bodies_ = 0; // bytes in memory: of clients, and those the application works on
    std::map<pollux::ConnectionId, std::size_t>
        being_answered_; // the latter; who asked may be gone
};

} // namespace demos::http
