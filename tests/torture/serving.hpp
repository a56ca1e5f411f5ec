#pragma once

#include "torture/trial.hpp"

#include <functional>
#include <pollux/stream/server.hpp>
#include <string>

namespace pollux_test {

/// What a server is to do in a trial: handlers without `on_close` and `on_error`, which note how it
/// went.
struct Service {
    pollux::ConnectionHandlers (*handlers)();
    std::string text;   ///< Of each client.
    std::string answer; ///< To it.
    std::size_t piece;  ///< Of the text, for clients that send it in pieces.
    pollux::ServerOptions options{};
};

/// A server's life: it is set up, serves two clients at once, one more while nothing fails, ends in
/// good order and is taken down.
void serve(Trial& trial, const Service& service);

} // namespace pollux_test
