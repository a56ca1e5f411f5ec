#include "request_load.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ranges>
#include <string>
#include <utility>

#include "clock.hpp"

namespace load {
namespace {

constexpr std::int64_t late_after = 1'000'000; // ns

} // namespace

RequestLoad::RequestLoad(const Options& options, std::unique_ptr<Protocol> protocol)
    : options_(options),
      one_each_(options.connection_per_request()),
      protocol_(std::move(protocol)),
      dialer_(options),
      poller_(options),
      arrivals_(options),
      readers_(options.read_rate, options.connections) {
    places_.reserve(options.connections);
    for (std::size_t i = 0; i < options.connections; ++i)
        places_.push_back({.connection = {i, poller_, *protocol_}, .due = {}});
}

void RequestLoad::prepare() {
    if (at_rest_) return;
    std::vector<std::size_t> closed;
    for (std::size_t i = 0; i < places_.size(); ++i) {
        Place& place = places_[i];
        if (!place.due.empty()) place.connection.close();
        place.due.clear();
        place.under_way = 0;
        place.answers = 0;
        if (!place.connection.is_open()) closed.push_back(i);
    }
    if (!one_each_) {
        auto next = closed.begin();
        dialer_.dial_all(closed.size(), [&](Fd socket) {
            places_[*next].connection.open(std::move(socket));
            protocol_->restart(*next++);
        });
    }
    greet();
    at_rest_ = true;
}

void RequestLoad::greet() {
    try {
        run({.amount = places_.size() * options_.depth});
    } catch (const Failure& failure) {
        const auto answered =
            std::ranges::count_if(places_, [](const Place& place) { return place.answers > 0; });
        throw Failure{std::to_string(answered) + " of " + std::to_string(places_.size()) +
                      " connections answered, then " + failure.what()};
    }
}

Result RequestLoad::run(const Goal& goal) {
    begin_phase(goal);
    while (goes_on()) {
        const auto events =
            poller_.wait_until(std::min({arrivals_.next(), readers_.next(), gives_up_at()}));
        ++result_.waits;
        time_ = now();
        if (!events.empty()) progress_ = time_;
        for (const epoll_event& event : events) {
            visit(static_cast<std::size_t>(event.data.u64), event.events);
            start_what_is_due();
        }
        start_what_is_due();
        resume_readers();
    }
    result_.ended = now();
    result_.idle += poller_.idle();
    result_.planned = arrivals_.planned();
    return result_;
}

void RequestLoad::begin_phase(const Goal& goal) {
    goal_ = goal;
    result_ = {};
    result_.idle = -poller_.idle();
    begun_ = outstanding_ = 0;
    progress_ = time_ = result_.started = now();
    arrivals_.begin(goal, time_);
    waiting_.clear();
    free_.clear();
    for (std::size_t i = places_.size(); i-- > 0;) free_.push_back(i);
    if (goal.rate > 0) return start_what_is_due();
    for (std::size_t i = 0; i < places_.size(); ++i) {
        for (std::size_t n = 0; n < options_.depth && may_start(); ++n) start(i, now());
        send_more(i);
    }
}

bool RequestLoad::goes_on() {
    if (outstanding_ == 0 && arrivals_.exhausted()) return false;
    if (time_ < gives_up_at()) return true;
    if (goal_.rate <= 0) fail_for_silence();
    give_up();
    return false;
}

void RequestLoad::fail_for_silence() const {
    const auto waiting =
        std::ranges::find_if(places_, [](const Place& place) { return !place.due.empty(); });
    std::string what = "the server did nothing for " + seconds_text(options_.patience);
    if (waiting != places_.end()) {
        const auto index = static_cast<std::size_t>(waiting - places_.begin());
        what += "; connection " + std::to_string(index + 1) + " has " + protocol_->so_far(index) +
                " of the answer it waits for";
    }
    throw Failure{what};
}

// A closed loop waits for a sign of life. An open loop has an end.
std::int64_t RequestLoad::gives_up_at() const noexcept {
    const std::int64_t patience = options_.patience.count();
    if (goal_.rate <= 0) return progress_ + patience;
    return arrivals_.exhausted() ? result_.started + arrivals_.planned() + patience
                                 : Arrivals::never;
}

// What was not answered has waited at least so long. To leave it out would be to leave out what was
// slowest.
void RequestLoad::give_up() {
    const auto count = [&](Fifo<std::int64_t>& due) {
        result_.unanswered += due.size();
        for (std::size_t n = due.size(); n > 0; --n) {
            const std::int64_t moment = due.pop();
            result_.latency.record(static_cast<std::uint64_t>(time_ - moment));
            due.push(moment);
        }
    };
    for (Place& place : places_) count(place.due);
    count(waiting_);
    at_rest_ = false;
}

void RequestLoad::visit(std::size_t index, std::uint32_t ready) {
    if ((ready & ~std::uint32_t{EPOLLOUT}) != 0) receive(index);
    Place& place = places_[index];
    if ((ready & EPOLLOUT) != 0 && place.connection.is_open()) place.connection.flush();
}

void RequestLoad::receive(std::size_t index) {
    Connection& connection = places_[index].connection;
    const auto room = std::span{buffer_}.first(readers_.room(buffer_.size()));
    const auto [count, error] = connection.receive(room);
    if (error == EAGAIN || error == EINTR) return;
    time_ = now();
    if (count == 0) return lose(index, error);
    result_.bytes += count;
    Answers answers;
    try {
        answers = protocol_->take(index, connection.sent(), room.first(count));
    } catch (const Failure& failure) {
        connection.fail(failure.what());
    }
    if (readers_.slow()) {
        readers_.read(index, count, time_);
        connection.reads(false);
    }
    finish(index, answers);
}

void RequestLoad::resume_readers() {
    while (readers_.next() <= time_) {
        Connection& connection = places_[readers_.pop()].connection;
        if (connection.is_open()) connection.reads(true);
    }
}

// The last bytes of an answer may be the end of the stream; a server may close a connection that it
// is not asked on, and need not know yet that it is.
void RequestLoad::lose(std::size_t index, int error) {
    Place& place = places_[index];
    const Answers answers = protocol_->end(index);
    if (answers.complete > 0 && error == 0) return finish(index, answers);
    Connection& connection = place.connection;
    const std::string after = " after " + std::to_string(connection.received()) + " bytes";
    if (error != 0 && error != ECONNRESET && error != EPIPE)
        connection.fail(std::string{"recv: "} + std::strerror(error) + after);
    if (connection.received() > 0 && protocol_->may_close(index)) {
        connection.close();
        place.under_way = 0;
        return send_more(index);
    }
    const std::string missing = ", with " + protocol_->so_far(index) + " of an answer";
    if (error != 0) connection.fail(std::string{"recv: "} + std::strerror(error) + after + missing);
    throw Failure{"the server closed connection " + std::to_string(index + 1) + after + missing};
}

void RequestLoad::finish(std::size_t index, const Answers& answers) {
    Place& place = places_[index];
    result_.errors += answers.errors;
    place.answers += answers.complete;
    for (std::uint64_t n = 0; n < answers.complete; ++n) {
        result_.latency.record(static_cast<std::uint64_t>(time_ - place.due.pop()));
        --place.under_way;
        --outstanding_;
        ++result_.requests;
        if (goal_.rate <= 0 && may_start()) start(index, time_);
    }
    if (answers.complete > 0 && (one_each_ || answers.closes)) {
        place.connection.close();
        place.under_way = 0;
        if (one_each_ && goal_.rate > 0) take_next(index);
    }
    send_more(index);
}

bool RequestLoad::may_start() const noexcept {
    return begun_ < goal_.amount && time_ - result_.started < goal_.duration.count();
}

void RequestLoad::start(std::size_t index, std::int64_t due) {
    places_[index].due.push(due);
    ++begun_;
    ++outstanding_;
}

void RequestLoad::start_what_is_due() {
    while (arrivals_.next() <= time_) {
        const std::int64_t due = arrivals_.next();
        arrivals_.pop();
        ++result_.due;
        // Asked for each: of many that are due at once the last leaves long after the first, and
        // `time_` is older than that.
        result_.last_began = now();
        if (result_.last_began - due > late_after) ++result_.late;
        start_somewhere(due);
    }
}

void RequestLoad::start_somewhere(std::int64_t due) {
    if (one_each_ && free_.empty()) {
        waiting_.push(due);
        ++outstanding_;
        return;
    }
    std::size_t index = turn_;
    if (one_each_) {
        index = free_.back();
        free_.pop_back();
    } else {
        turn_ = (turn_ + 1) % places_.size();
    }
    start(index, due);
    send_more(index);
}

void RequestLoad::take_next(std::size_t index) {
    if (waiting_.empty())
        free_.push_back(index);
    else
        places_[index].due.push(waiting_.pop());
}

void RequestLoad::send_more(std::size_t index) {
    Place& place = places_[index];
    if (place.due.empty()) return;
    if (!place.connection.is_open()) {
        place.connection.open(dialer_.begin());
        protocol_->restart(index);
        ++result_.connections;
    }
    for (; place.under_way < std::min(options_.depth, place.due.size()); ++place.under_way)
        place.connection.request();
    place.connection.flush();
}

} // namespace load
