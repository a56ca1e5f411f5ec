#pragma once

// Whatever is done with a connection is done in one of these.

#include <cerrno>
#include <new>
#include <system_error>

#include "stream/connection_set_core.hpp"

namespace pollux {

// One of our callbacks runs: the core stays until it is over, even when its set goes.
class ConnectionSetCore::Inside {
public:
    explicit Inside(ConnectionSetCore& core) noexcept : core_{core} { ++core_.depth_; }
    ~Inside() {
        if (--core_.depth_ == 0 && core_.abandoned_) core_.end();
    }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

private:
    ConnectionSetCore& core_;
};

// Open, nothing kept, nothing waiting, and the kernel asked for just that: how most visits end.
// Then there is no interest to change and nobody to tell.
inline bool ConnectionSetCore::is_settled(const Connection& connection) const noexcept {
    return is_usual(connection) && connection.rare_ == nullptr && connection.interest_ == reading_;
}

// Its handlers are called by `body`. What one throws ends the connection. Always inline, or each
// message would pay for a closure that is handed over in memory.
template <class Body>
[[gnu::always_inline]] inline void ConnectionSetCore::visit(Connection& connection,
                                                            const Body& body) {
    const Inside inside{*this};
    std::exception_ptr failure;
    connection.held_ = true;
    // Only the outermost visit gathers: a connection made in the handler of another writes at once.
    if (gatherer_ == nullptr) gatherer_ = &connection;
    try {
        body();
        if (gatherer_progressed_ && gatherer_ == &connection && connection.state_ == State::open)
            put_off(connection);
    } catch (...) {
        failure = std::current_exception();
        give_up(connection, {CloseReason::exception});
    }
    if (gatherer_ == &connection) {
        gatherer_ = nullptr;
        gatherer_progressed_ = false;
        gathered_.clear();
    }
    if (is_settled(connection) && !rearms_) [[likely]] {
        connection.held_ = false;
        return;
    }
    let_go(connection, true, failure);
    if (waiting_ > options_.waiting_limit) relieve();
}

// `body` is asked for from anywhere and calls no handlers: on_close waits until it is over, and in
// a visit until that is. False: that was its end.
template <class Body> bool ConnectionSetCore::hold(Connection& connection, const Body& body) {
    if (connection.held_) {
        guarded(connection, body);
        return is_alive(connection);
    }
    const Inside inside{*this};
    const ConnectionId id = connection.id();
    connection.held_ = true;
    guarded(connection, body);
    if (is_settled(connection)) [[likely]] {
        connection.held_ = false;
        return true;
    }
    let_go(connection, false, nullptr);
    if (waiting_ > options_.waiting_limit) relieve();
    return find(id) != nullptr;
}

// The kernel or the allocator refuses: that ends the connection, and nobody else need know.
template <class Body>
void ConnectionSetCore::guarded(Connection& connection, const Body& body) noexcept {
    try {
        body();
    } catch (const std::system_error& error) {
        give_up(connection, {CloseReason::error, error.code().value()});
    } catch (const std::bad_alloc&) {
        give_up(connection, {CloseReason::error, ENOMEM});
    }
}

} // namespace pollux
