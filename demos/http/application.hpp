#pragma once

#include "request.hpp"
#include "response.hpp"

#include <optional>
#include <pollux/stream/connection.hpp>
#include <string>

namespace demos::http {

/// What answers requests. It knows no connections and no bytes on the way.
class Application {
public:
    Application() = default;
    Application(const Application&) = delete;
    Application& operator=(const Application&) = delete;
    virtual ~Application() = default;

    /// Whether the body of this request is wanted. If not it is answered without its body, and the
    /// connection is closed.
    virtual bool takes_body(const Request& request) const = 0;

    /// The answer; nothing, if it follows later by `Service::answer` for this connection, whose
    /// further requests wait for that. `body` counts as in memory until then.
    virtual std::optional<Response> answer(const Request& request, std::string body,
                                           pollux::ConnectionId asker) = 0;
};

} // namespace demos::http
