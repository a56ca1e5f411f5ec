#pragma once

#include <exception>

namespace pollux::coro {

/// What a `co_await` throws in a task that was asked to stop. It is no `std::system_error`, so code
/// that catches the errors of a connection does not take it for one. A task that lets it pass has
/// ended as it should: the scope reports nothing.
class Cancelled : public std::exception {
public:
    const char* what() const noexcept override { return "cancelled"; }
};

} // namespace pollux::coro
