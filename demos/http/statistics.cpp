#include "statistics.hpp"

#include <nlohmann/json.hpp>

#include <pollux/event_loop.hpp>
#include <utility>

namespace demos::http {

using namespace pollux;
using nlohmann::ordered_json;

std::string statistics_json(ServerProgram& program, const Service::Tally& tally,
                            Clock::time_point started) {
    using std::chrono::duration_cast;
    const ConnectionSet& connections = program.server().connections();
    const ConnectionStats& stats = connections.stats();
    const Clock::duration up = Clock::now() - started;

    // Empty it is an object too, not null.
    ordered_json ended = ordered_json::object();
    for (std::size_t i = 0; i < stats.closed.size(); ++i)
        if (stats.closed[i] > 0)
            ended[std::string{to_string(static_cast<CloseReason>(i))}] = stats.closed[i];
    for (const auto& [reason, count] : tally.refused)
        ended["refused: " + std::string{reason}] = count;

    return ordered_json{
        {"uptime", duration_cast<std::chrono::seconds>(up).count()},
        {"milliseconds", duration_cast<std::chrono::milliseconds>(up).count()},
        {"open", connections.size()},
        {"accepted", stats.opened},
        {"requests", tally.requests},
        {"received", stats.received},
        {"sent", stats.sent},
        {"succeeded", tally.answers[2]},
        {"redirected", tally.answers[3]},
        {"client_errors", tally.answers[4]},
        {"server_errors", tally.answers[5]},
        {"backend", connections.loop().name()},
        {"trigger", to_string(program.limits().connection.trigger)},
        {"ended", std::move(ended)},
    }
        .dump();
}

} // namespace demos::http
