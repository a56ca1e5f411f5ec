#include "statistics.hpp"

#include "escaping.hpp"

#include <pollux/event_loop.hpp>

namespace demos::http {

using namespace pollux;

namespace {

class Object {
public:
    Object& number(std::string_view key, std::uint64_t value) {
        return raw(key, std::to_string(value));
    }
    Object& text(std::string_view key, std::string_view value) {
        return raw(key, '"' + json(value) + '"');
    }
    Object& raw(std::string_view key, std::string_view value) {
        text_ += text_.empty() ? "{\"" : ",\"";
        text_ += json(key);
        text_ += "\":";
        text_ += value;
        return *this;
    }
    std::string take() { return text_.empty() ? "{}" : text_ + "}"; }

private:
    std::string text_;
};

} // namespace

std::string statistics_json(ServerProgram& program, const Service::Tally& tally,
                            Clock::time_point started) {
    using std::chrono::duration_cast;
    const ConnectionSet& connections = program.server().connections();
    const ConnectionStats& stats = connections.stats();
    const Clock::duration up = Clock::now() - started;

    Object ended;
    for (std::size_t i = 0; i < stats.closed.size(); ++i)
        if (stats.closed[i] > 0)
            ended.number(to_string(static_cast<CloseReason>(i)), stats.closed[i]);
    for (const auto& [reason, count] : tally.refused)
        ended.number("refused: " + std::string{reason}, count);

    const auto count = [](auto value) { return static_cast<std::uint64_t>(value.count()); };
    return Object{}
        .number("uptime", count(duration_cast<std::chrono::seconds>(up)))
        .number("milliseconds", count(duration_cast<std::chrono::milliseconds>(up)))
        .number("open", connections.size())
        .number("accepted", stats.opened)
        .number("requests", tally.requests)
        .number("received", stats.received)
        .number("sent", stats.sent)
        .number("succeeded", tally.answers[2])
        .number("redirected", tally.answers[3])
        .number("client_errors", tally.answers[4])
        .number("server_errors", tally.answers[5])
        .text("backend", connections.loop().name())
        .text("trigger", to_string(program.limits().connection.trigger))
        .raw("ended", ended.take())
        .take();
}

} // namespace demos::http
