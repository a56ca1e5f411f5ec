#include "stream/acceptor.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace pollux {

Acceptor::Acceptor(LoopPool& pool, std::span<PoolMember> members, const ServerPoolOptions& options)
    : pool_{pool},
      members_{members},
      options_{options},
      retired_(members.size(), false),
      last_{members.size() - 1} {}

void Acceptor::listen(Socket socket) {
    listeners_.emplace_back(
        pool_.loop(0), std::move(socket),
        [this](Socket accepted) { hand_over(std::move(accepted)); },
        accept_options(options_.server, options_.server.connection.trigger));
    pause_or_resume();
}

void Acceptor::retire(std::size_t place) {
    retired_[place] = true;
    if (std::ranges::count(retired_, false) == 0)
        close();
    else
        pause_or_resume();
}

void Acceptor::stop() {
    if (options_.server.listen.reuse_port)
        for (Listener& listener : listeners_) listener.accept_waiting();
    close();
}

void Acceptor::close() noexcept {
    shed_ = shed();
    listeners_.clear();
}

std::uint64_t Acceptor::shed() const noexcept {
    std::uint64_t sum = shed_;
    for (const Listener& listener : listeners_) sum += listener.shed();
    return sum;
}

// The first after the one that had the last, so that equals are served in turn. While nobody has
// room the listeners are paused; but handlers connect by themselves, and may have filled the last.
std::size_t Acceptor::choose() const {
    const std::size_t nobody = members_.size();
    std::size_t best = nobody;
    std::size_t full = nobody;
    for (std::size_t step = 1; step <= members_.size(); ++step) {
        const std::size_t place = (last_ + step) % members_.size();
        if (retired_[place]) continue;
        if (!may_have_more(place)) {
            if (full == nobody) full = place;
            continue;
        }
        if (options_.spread == Spread::round_robin) return place;
        if (best == nobody || members_[place].load < members_[best].load) best = place;
    }
    return best == nobody ? full : best;
}

void Acceptor::hand_over(Socket socket) {
    last_ = choose();
    PoolMember& chosen = members_[last_];
    ++chosen.load;
    if (!has_room()) pause_or_resume();
    if (last_ == 0) return chosen.core->take(std::move(socket));
    try {
        pool_.loop(last_).post([core = chosen.core, accepted = std::move(socket)]() mutable {
            core->take(std::move(accepted));
        });
    } catch (const std::bad_alloc&) { // of this client alone
        --chosen.load;
        ++shed_;
        if (full_) pause_or_resume();
    }
}

bool Acceptor::has_room() const {
    for (std::size_t place = 0; place < members_.size(); ++place)
        if (may_have_more(place)) return true;
    return false;
}

// First told, then looked: who makes room in between says so.
void Acceptor::pause_or_resume() {
    full_ = true;
    const bool room = has_room();
    if (room) full_ = false;
    for (Listener& listener : listeners_) room ? listener.resume() : listener.pause();
}

void Acceptor::load_changed() {
    if (!full_ || !full_.exchange(false)) return;
    pool_.loop(0).post([self = shared_from_this()] {
        if (!self->listeners_.empty()) self->pause_or_resume();
    });
}

} // namespace pollux
