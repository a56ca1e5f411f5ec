// The part of ConnectionSetCore that ends connections when their time has come.

#include <algorithm>
#include <utility>

#include "stream/connection_visit.hpp"

namespace pollux {

// Something came or went: what is idle is so from now on.
void ConnectionSetCore::put_off(Connection& connection) {
    const bool open = connection.state_ == State::open;
    arm(connection, later(loop_.now(), open ? options_.idle_timeout : options_.linger_timeout));
}

void ConnectionSetCore::arm(Connection& connection, Clock::time_point due) {
    if (connection.rare_ != nullptr)
        due = std::min({due, connection.rare_->deadline, connection.rare_->message_due});
    if (due == never) return disarm(connection);
    if (deadlines_.empty()) deadlines_.set_out(loop_.now());
    deadlines_.arm(connection, due);
    if (due < timer_due_) set_timer();
}

void ConnectionSetCore::disarm(Connection& connection) noexcept {
    deadlines_.disarm(connection);
    if (timer_due_ != never && (deadlines_.empty() || connection.due <= timer_due_)) set_timer();
}

// One timer of the loop stands for all deadlines: set to the earliest or, where many are due soon
// after each other, to sometime before; or not at all.
void ConnectionSetCore::set_timer() {
    timer_due_ = deadlines_.empty() ? never : deadlines_.next_due();
    if (deadlines_.empty())
        timer_.cancel();
    else
        timer_.run_at(timer_due_);
}

void ConnectionSetCore::set_deadline(Connection& connection, Clock::time_point due) {
    if (connection.state_ != State::open && connection.state_ != State::connecting) return;
    bound(connection, &Connection::Rare::deadline, due);
}

// What is idle stays so: the time it is due is kept, unless the former bound stands there.
void ConnectionSetCore::bound(Connection& connection, Clock::time_point Connection::Rare::*which,
                              Clock::time_point due) {
    const Clock::time_point former = std::exchange(rare(connection).*which, due);
    if (deadlines_.is_armed(connection) && connection.due < former)
        return arm(connection, connection.due);
    const bool idles =
        connection.state_ == State::open && options_.idle_timeout != Clock::duration::max();
    arm(connection, idles ? later(loop_.now(), options_.idle_timeout) : never);
}

// While it reads on for the rest of a message.
void ConnectionSetCore::watch_message(Connection& connection) {
    if (connection.rare_ == nullptr || options_.message_timeout == Clock::duration::max()) return;
    const bool waits = keeps_input(connection) && wants_input(connection);
    const bool watched = connection.rare_->message_due != never;
    if (waits == watched) return;
    bound(connection, &Connection::Rare::message_due,
          waits ? later(loop_.now(), options_.message_timeout) : never);
}

// The handler took what came before.
void ConnectionSetCore::another_message(Connection& connection) {
    if (connection.state_ == State::open && connection.rare_->message_due != never)
        bound(connection, &Connection::Rare::message_due,
              later(loop_.now(), options_.message_timeout));
}

void ConnectionSetCore::expire_due() {
    const Inside inside{*this};
    const Clock::time_point now = Clock::now();
    while (!abandoned_) {
        set_timer(); // first: should a handler throw, the rest is due in the next turn
        if (timer_due_ == never || timer_due_ > now) return;
        if (Connection* const due = deadlines_.take(now)) expire(*due);
    }
}

void ConnectionSetCore::expire(Connection& connection) {
    const bool was_closing =
        connection.state_ == State::closing || connection.state_ == State::lingering;
    const bool at_deadline =
        connection.rare_ != nullptr &&
        std::min(connection.rare_->deadline, connection.rare_->message_due) <= connection.due;
    abort(connection, {was_closing   ? connection.reason_
                       : at_deadline ? CloseReason::deadline
                                     : CloseReason::idle});
}

} // namespace pollux
