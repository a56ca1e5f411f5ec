#include "service.hpp"

#include <array>
#include <new>
#include <utility>

namespace demos::http {

using namespace pollux;
using What = RequestReader::Step::What;

struct Service::Client {
    explicit Client(const RequestReader::Limits& limits) : reader{limits} {}

    RequestReader reader;
    Phase phase = Phase::idle;
    bool last = false;      // no further request is read
    bool file_sent = false; // in this visit: what follows waits for it
    Clock::time_point since{};
    std::uint64_t received = 0; // of the body
    std::string body;
    Timer timer;
};

Service::Service(ServerProgram& program, const ServiceLimits& limits, Application& application)
    : program_{program}, limits_{limits}, application_{application} {}

ConnectionHandlers Service::handlers() {
    return {.on_open = [this](Connection& connection) { open(connection); },
            .on_data = [this](Connection& connection,
                              ByteView bytes) { return take(connection, bytes); },
            .on_end = [this](Connection& connection) { end(connection); },
            .on_close = [this](Connection& connection, const Closed&) { close(connection); }};
}

Service::Client& Service::of(Connection& connection) {
    return *static_cast<Client*>(connection.user);
}

void Service::open(Connection& connection) {
    auto client = std::make_unique<Client>(limits_.request);
    client->since = connection.loop().now();
    client->timer = connection.loop().run_at(later(client->since, limits_.keep_alive_timeout),
                                             [this, id = connection.id()] { expire(id); });
    connection.user = client.release();
}

void Service::close(Connection& connection) {
    const std::unique_ptr<Client> client{static_cast<Client*>(connection.user)};
    if (client) bodies_ -= client->body.size();
    connection.user = nullptr;
}

std::size_t Service::take(Connection& connection, ByteView bytes) {
    Client& client = of(connection);
    client.file_sent = false;
    std::size_t taken = 0;
    bool goes_on = true;
    // A client that asks and does not read: the connection offers the rest again when it has.
    const std::size_t enough = program_.limits().connection.high_water;
    while (goes_on && client.phase != Phase::answering && !client.last && !client.file_sent &&
           connection.queued() <= enough) {
        const RequestReader::Step step = client.reader.next(bytes.subspan(taken));
        taken += step.taken;
        goes_on = take_step(connection, step);
    }
    if (client.last) return bytes.size();
    if (client.phase == Phase::answering || client.reader.in_body()) return taken;
    enter(connection, !goes_on && taken < bytes.size() ? Phase::head : Phase::idle);
    return taken;
}

// False when it was the last one that can be taken now.
bool Service::take_step(Connection& connection, const RequestReader::Step& step) {
    switch (step.what) {
    case What::partial:
        return false;
    case What::head:
        begin(connection);
        return true;
    case What::body:
        gather(connection, step.body);
        return true;
    case What::done:
        ask(connection);
        return true;
    case What::refused:
        refuse(connection, step.status, step.reason);
        return false;
    }
    return false;
}

void Service::begin(Connection& connection) {
    Client& client = of(connection);
    const Request& request = client.reader.request();
    if (!request.has_body()) return ask(connection);
    if (!application_.takes_body(request)) {
        client.last = true;
        return ask(connection);
    }
    client.received = 0;
    enter(connection, Phase::body);
    if (request.expects_continue) connection.send("HTTP/1.1 100 Continue\r\n\r\n");
}

void Service::gather(Connection& connection, std::string_view piece) {
    Client& client = of(connection);
    if (bodies_ + piece.size() > limits_.bodies) return refuse(connection, 503, "memory");
    bodies_ += piece.size();
    client.received += piece.size();
    client.body += piece;
}

void Service::ask(Connection& connection) {
    Client& client = of(connection);
    const Request& request = client.reader.request();
    client.last = client.last || !request.keep_alive;
    ++tally_.requests;
    const std::size_t body = client.body.size();
    std::optional<Response> response =
        application_.answer(request, std::exchange(client.body, {}), connection.id());
    if (response) {
        bodies_ -= body;
        return respond(connection, std::move(*response));
    }
    being_answered_.emplace(connection.id(), body);
    enter(connection, Phase::answering);
    connection.pause_reading();
}

// Sending and closing may be the end of the connection, and then of its client too, unless a
// handler of it is running: what is changed is changed before.
void Service::respond(Connection& connection, Response response) {
    static constexpr std::array<std::string_view, 6> names{"answered.other", "answered.1xx",
                                                           "answered.2xx",   "answered.3xx",
                                                           "answered.4xx",   "answered.5xx"};
    Client& client = of(connection);
    const Request& request = client.reader.request();
    const auto kind = static_cast<std::size_t>(response.status / 100);
    ++tally_.answers[kind];
    program_.counters().count(names[kind]);

    const bool with_body = request.method != Method::head;
    const bool with_file = with_body && response.file && response.file->count > 0;
    const bool last = client.last;
    client.phase = Phase::idle;
    client.file_sent = with_file;
    if (!connection.send(writer_.head(response, request, last))) return;
    if (with_body && !connection.send(response.body())) return;
    if (with_file && !connection.send_file(std::move(response.file->file), response.file->offset,
                                           response.file->count))
        return;
    if (last) connection.close();
}

void Service::answer(ConnectionId asker, Response response) {
    const auto body = being_answered_.extract(asker);
    if (body) bodies_ -= body.mapped();
    ConnectionSet& connections = program_.server().connections();
    Connection* connection = connections.find(asker);
    if (connection == nullptr || of(*connection).phase != Phase::answering) return;
    try {
        respond(*connection, std::move(response));
        connection = connections.find(asker);
        if (connection == nullptr || of(*connection).last) return;
        enter(*connection, Phase::idle);
        connection->resume_reading();
    } catch (const std::bad_alloc&) {
        // Of a handler this would be the end of the connection. Here nobody else sees to that.
        connection = connections.find(asker);
        if (connection != nullptr) connection->abort();
    }
}

// What the client sent has no sense, so nothing behind it has.
void Service::refuse(Connection& connection, int status, std::string_view reason) {
    Client& client = of(connection);
    client.last = true;
    const Response response = status_page(status);
    ++tally_.answers[static_cast<std::size_t>(status / 100)];
    ++tally_.refused[reason];
    client.timer.cancel();
    if (!connection.send(writer_.head(response, client.reader.request(), true))) return;
    if (connection.send(response.text)) program_.reject(connection, reason);
}

void Service::end(Connection& connection) {
    // Not while an answer is awaited: nothing is read then, the end neither.
    if (of(connection).phase == Phase::idle) return connection.close();
    refuse(connection, 400, "unfinished");
}

void Service::enter(Connection& connection, Phase phase) {
    Client& client = of(connection);
    const bool begins = std::exchange(client.phase, phase) != phase;
    const Clock::time_point now = connection.loop().now();
    switch (phase) {
    case Phase::idle:
        return client.timer.run_at(later(now, limits_.keep_alive_timeout));
    case Phase::answering:
        return client.timer.cancel();
    case Phase::head:
    case Phase::body:
        if (!begins) return; // the deadline stands
        client.since = now;
        client.timer.run_at(
            later(now, phase == Phase::head ? limits_.head_timeout : limits_.body_timeout));
    }
}

void Service::expire(ConnectionId id) {
    Connection* const connection = program_.server().connections().find(id);
    if (connection == nullptr) return;
    Client& client = of(*connection);
    if (client.last || client.phase == Phase::answering) return;
    if (client.phase == Phase::idle) {
        // A long answer may be under way still; the idle timeout looks after that.
        if (connection->queued() > 0) return enter(*connection, Phase::idle);
        program_.counters().count("timeout.keep-alive");
        return connection->close();
    }
    if (client.phase == Phase::body) {
        const std::chrono::milliseconds earned{client.received * 1000 / limits_.body_rate};
        const Clock::time_point due = later(client.since, limits_.body_timeout + earned);
        if (due > Clock::now()) return client.timer.run_at(due);
    }
    refuse(*connection, 408, client.phase == Phase::head ? "slow-head" : "slow-body");
}

} // namespace demos::http
