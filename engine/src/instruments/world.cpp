#include "instruments/world.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <sys/socket.h>
#include <utility>

namespace pollux::simulated {

bool OpenFile::blocks(int flags) const noexcept {
    return !non_blocking && (flags & MSG_DONTWAIT) == 0;
}

void OpenFile::wake(std::uint32_t bits) {
    for (Watcher* watcher : watchers) watcher->told(bits);
}

void OpenFile::forget_watchers() {
    for (Watcher* watcher : std::exchange(watchers, {})) watcher->forget();
}

World::World(Choices& choices, SimulationOptions with)
    : options{std::move(with)}, choices_{choices} {}

// The program may have left an epoll descriptor open, and what it watches.
World::~World() {
    for (const auto& file : files_) file->forget_watchers();
}

std::size_t World::choose(std::string_view what, std::size_t number) {
    return number < 2 ? 0 : choices_.choose(what, number);
}

// --- files -------------------------------------------------------------------------------------

Result World::open(OpenFile& file, int from) {
    auto place = static_cast<std::size_t>(std::max(from - options.first_descriptor, 0));
    while (place < table_.size() && table_[place] != nullptr) ++place;
    if (place >= static_cast<std::size_t>(options.descriptors)) return -EMFILE;
    if (place >= table_.size()) table_.resize(place + 1);
    table_[place] = &file;
    ++file.descriptors;
    return options.first_descriptor + static_cast<Result>(place);
}

bool World::has_descriptor() const noexcept {
    return table_.size() < static_cast<std::size_t>(options.descriptors) ||
           std::ranges::find(table_, nullptr) != table_.end();
}

OpenFile* World::at(int fd) const noexcept {
    const auto place = static_cast<std::size_t>(fd - options.first_descriptor);
    return fd >= options.first_descriptor && place < table_.size() ? table_[place] : nullptr;
}

bool World::is_beyond_table(int fd) const noexcept {
    constexpr std::size_t step = 64;
    const auto place = static_cast<std::size_t>(fd - options.first_descriptor);
    return is_ours(fd) && place >= (table_.size() + step - 1) / step * step;
}

Result World::close(int fd) {
    OpenFile* const file = at(fd);
    if (file == nullptr) return -EBADF;
    table_[static_cast<std::size_t>(fd - options.first_descriptor)] = nullptr;
    if (--file->descriptors > 0) return 0;
    file->forget_watchers();
    file->release();
    return 0;
}

// --- others ------------------------------------------------------------------------------------

void World::under_way(Flow& flow) {
    if (std::ranges::find(under_way_, &flow) == under_way_.end()) under_way_.push_back(&flow);
}

void World::deliver_all() {
    for (bool some = true; std::exchange(some, false);)
        for (Flow* flow : std::vector{under_way_}) {
            if (!flow->can_arrive()) continue;
            flow->arrive();
            some = true;
        }
}

const World::Candidates& World::candidates() {
    std::erase_if(under_way_, [](const Flow* flow) { return flow->is_over(); });
    candidates_.flows.clear();
    candidates_.actors.clear();
    for (Flow* flow : under_way_)
        if (flow->can_arrive()) candidates_.flows.push_back(flow);
    for (Actor* actor : actors)
        if (actor->can_act()) candidates_.actors.push_back(actor);
    return candidates_;
}

template <class Call> void World::call_others(Call call) noexcept {
    try {
        call();
    } catch (...) {
        if (!thrown) thrown = std::current_exception();
    }
}

void World::act(std::size_t which) {
    acting_ = true;
    ++calls; // so that those who act for ever come to an end as well
    if (which < candidates_.flows.size())
        candidates_.flows[which]->arrive();
    else
        call_others([&] { candidates_.actors[which - candidates_.flows.size()]->act(); });
    acting_ = false;
}

void World::let_others_act() {
    ++calls;
    if (acting_ || thrown || !options.vary.busy_actors || (actors.empty() && under_way_.empty()))
        return;
    while (const std::size_t others = candidates().size()) {
        const std::size_t chosen =
            choose("who acts before the call", options.vary.order_of_actors ? others + 1 : 2);
        if (chosen == 0) return;
        act(chosen - 1);
    }
}

std::optional<Time> World::next_due(std::optional<Time> until) const {
    for (Actor* actor : actors)
        if (const auto due = actor->due(); due && due->time_since_epoch() > now)
            until = std::min(until.value_or(Time::max()), due->time_since_epoch());
    return until;
}

bool World::pass_time(std::optional<Time> until) {
    const auto next = next_due(until);
    if (!next) return false;
    now = *next;
    return true;
}

Result World::wait(std::optional<Time> timeout, const std::function<bool()>& ready) {
    std::optional<Time> until;
    if (timeout && *timeout < Time::max() - now) until = now + *timeout;
    if (timeout && !until) until = Time::max();
    bool asked_in_vain = false;
    if (timeout != Time::zero() && odd(options.vary.interruptions, "a signal interrupts the wait"))
        return -EINTR;
    for (;;) {
        if (thrown) return -ECANCELED;
        if (ready()) return 1;
        if (until && now >= *until) return 0;
        if (calls > options.most_calls) {
            endless = true;
            return -ETIME;
        }
        if (const std::size_t others = candidates().size()) {
            const std::size_t turns = options.vary.order_of_actors ? others : 1;
            const bool may_pass = options.vary.time_passes && until;
            const std::size_t chosen =
                choose("who acts while the program waits", turns + (may_pass ? 1 : 0));
            asked_in_vain = false;
            if (chosen < turns)
                act(chosen);
            else
                pass_time(until);
        } else if (!pass_time(until)) {
            if (asked_in_vain || !options.on_idle) {
                deadlocked = true;
                return -EDEADLK;
            }
            call_others(options.on_idle);
            asked_in_vain = true;
        }
    }
}

void World::raise(int signal) {
    signals.insert(signal);
    for (const auto& file : files_) file->was_signalled();
}

// --- the story ---------------------------------------------------------------------------------

void World::note(std::string text) {
    lines_.push_back({.result = static_cast<Result>(notes_.size()), .when = now});
    notes_.push_back(std::move(text));
}

void World::record(const char* call, int fd, Result result) {
    lines_.push_back({.call = call, .fd = fd, .result = result, .when = now});
}

std::string World::story(std::size_t most) const {
    std::string text;
    for (std::size_t at = lines_.size() - std::min(most, lines_.size()); at < lines_.size(); ++at) {
        const Line& line = lines_[at];
        std::array<char, 32> when{};
        std::snprintf(when.data(), when.size(), "%.6f ",
                      std::chrono::duration<double>{line.when - std::chrono::hours{1}}.count());
        text += when.data();
        if (line.call == nullptr) {
            text.append("    ").append(notes_[static_cast<std::size_t>(line.result)]);
        } else {
            text.append(line.call).append("(");
            if (line.fd >= 0) text += std::to_string(line.fd);
            text.append(") = ").append(std::to_string(std::max<Result>(line.result, -1)));
            if (line.result < 0)
                text.append(" ").append(strerrorname_np(static_cast<int>(-line.result)));
        }
        text += '\n';
    }
    return text;
}

} // namespace pollux::simulated
