#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <pollux/clock.hpp>
#include <utility>

#include "cache_line.hpp"
#include "sorted_chain.hpp"

namespace pollux {

/// What `order()` of a node gives when nodes due at the same time may come in any order.
struct AnyOrder {
    auto operator<=>(const AnyOrder&) const = default;
};

/// Deadlines of nodes that live elsewhere: a hierarchical timing wheel (Varghese and Lauck, 1987)
/// that is exact. Arming and disarming are a few stores, however many are armed; nothing allocates.
///
/// Time is cut into ticks of 33 µs, numbered to the base of 64. The highest digit in which a tick
/// differs from the present one names the level, and the digit itself the slot: so all that is in a
/// slot is due before all that is in a later slot of the level, or on a level above. Level 0 has
/// one slot, for the present tick and the past. When the present comes to a slot its nodes go to
/// the levels below it; nothing is moved before that. Only what is due is put in order, and tick by
/// tick.
///
/// Arming a node for a later time than it has is a store: it stays where it is until its slot is
/// looked at. Connections that put off their idle deadline with every message cost nothing here.
///
/// A node has the members `next`, `link` and `due`, all kept by the wheel, and `order()`, which
/// orders nodes due at the same time and changes only just before the node is armed.
template <class Node> class DeadlineWheel {
public:
    DeadlineWheel() = default;
    DeadlineWheel(const DeadlineWheel&) = delete;
    DeadlineWheel& operator=(const DeadlineWheel&) = delete;

    bool empty() const noexcept {
        return levels_ == 0 && gathered_ == nullptr && aside_ == nullptr;
    }
    /// What the present is while nothing is armed, and nobody asks for what is due.
    void set_out(Clock::time_point now) noexcept {
        asked_at_ = now;
        present_ = std::max(tick_of(now), std::int64_t{0});
    }

    static bool is_armed(const Node& node) noexcept { return node.link != nullptr; }

    /// Arms the node, or arms it anew.
    void arm(Node& node, Clock::time_point due) noexcept {
        if (is_armed(node)) {
            if (node.due == next_) next_is_known_ = false;
            if (due >= node.due) {
                node.due = due;
                return;
            }
            unlink(node);
        }
        node.due = due;
        next_ = std::min(next_, due);
        place(node);
    }

    /// No work when it is not armed.
    void disarm(Node& node) noexcept {
        if (!is_armed(node)) return;
        if (node.due == next_) next_is_known_ = false;
        unlink(node);
    }

    /// When the earliest is due, or sometime before: where many are due in one of the coming slots
    /// it is the begin of that slot. Only when something is armed.
    Clock::time_point next_due() noexcept {
        place_put_off(gathered_);
        place_put_off(aside_);
        if (gathered_ != nullptr) return gathered_->due;
        if (aside_ != nullptr) return aside_->due;
        if (!next_is_known_) look();
        return next_;
    }

    /// The earliest of what is due at `now`: disarmed. Null when nothing is.
    Node* take(Clock::time_point now) noexcept {
        asked_at_ = now;
        do {
            while (gathered_ != nullptr) {
                Node& node = *gathered_;
                unlink(node);
                if (node.due <= now) return &node;
                place(node); // put off since
            }
        } while (gather(now));
        return nullptr;
    }

    /// Arms what was taken for the time it has, but `take` does not give it before `end_round`.
    void put_aside(Node& node) noexcept { push(aside_, node); }
    void end_round() noexcept {
        while (aside_ != nullptr) {
            Node& node = *aside_;
            unlink(node);
            place(node);
        }
        next_ = before_all;
        next_is_known_ = false;
    }

private:
    static constexpr unsigned tick_bits = 15;
    static constexpr unsigned digit_bits = 6;
    static constexpr unsigned slots = 1U << digit_bits;
    static constexpr unsigned levels = 1 + (63 - tick_bits) / digit_bits; // to the end of time
    static_assert((63 - tick_bits) % digit_bits == 0);
    static constexpr unsigned few = 8;
    static constexpr auto before_all = Clock::time_point::min();

    // Who follows a chain waits for memory at each node. A slot has several, followed in turn, so
    // that it waits for as many nodes at a time.
    static constexpr unsigned chains = 4;
    using Chains = std::array<Node*, chains>;
    static unsigned chain_of(const Node& node) noexcept {
        return reinterpret_cast<std::uintptr_t>(&node) / cache_line % chains;
    }
    static bool is_null(const Node* node) noexcept { return node == nullptr; }
    static bool is_alone(const Chains& heads) noexcept {
        return std::ranges::count_if(heads, is_null) == chains - 1 &&
               std::ranges::all_of(heads,
                                   [](Node* head) { return is_null(head) || is_null(head->next); });
    }

    static std::int64_t tick_of(Clock::time_point time) noexcept {
        return time.time_since_epoch().count() >> tick_bits;
    }
    static Clock::time_point begin_of(std::int64_t tick) noexcept {
        return Clock::time_point{Clock::duration{tick << tick_bits}};
    }
    static Clock::time_point end_of(std::int64_t tick) noexcept {
        return begin_of(tick) + Clock::duration{(1 << tick_bits) - 1};
    }

    std::int64_t first_tick(unsigned level, unsigned slot) const noexcept {
        if (level == 0) return present_;
        const unsigned shift = (level - 1) * digit_bits;
        return (present_ >> shift >> digit_bits << digit_bits | std::int64_t{slot}) << shift;
    }
    static std::int64_t last_tick(unsigned level, std::int64_t first) noexcept {
        return level == 0 ? first : first + (std::int64_t{1} << (level - 1) * digit_bits) - 1;
    }

    void place(Node& node) noexcept {
        const std::int64_t tick = tick_of(node.due);
        unsigned level = 0;
        unsigned slot = 0;
        if (tick > present_) {
            const auto changed = static_cast<std::uint64_t>(tick ^ present_);
            const unsigned digit =
                (63U - static_cast<unsigned>(std::countl_zero(changed))) / digit_bits;
            level = digit + 1;
            slot = static_cast<unsigned>(tick >> digit * digit_bits) % slots;
        }
        push(heads_[level][slot][chain_of(node)], node);
        slots_[level] |= std::uint64_t{1} << slot;
        levels_ |= 1U << level;
    }

    static void push(Node*& head, Node& node) noexcept {
        node.next = head;
        node.link = &head;
        if (head != nullptr) head->link = &node.next;
        head = &node;
    }
    void unlink(Node& node) noexcept {
        *node.link = node.next;
        if (node.next != nullptr)
            node.next->link = node.link;
        else
            note_if_empty(node.link);
        node.link = nullptr;
    }

    // Of a link that is null now: whether it is the head of a slot, its place tells.
    void note_if_empty(Node* const* link) noexcept {
        const std::uintptr_t place =
            (reinterpret_cast<std::uintptr_t>(link) - reinterpret_cast<std::uintptr_t>(heads_)) /
            sizeof(Node*);
        if (place >= std::size(slots_) * slots * chains) return;
        const auto level = static_cast<unsigned>(place / chains / slots);
        const auto slot = static_cast<unsigned>(place / chains % slots);
        if (std::ranges::all_of(heads_[level][slot], is_null)) close(level, slot);
    }
    // Of nodes that were due when something was taken last: those that were put off since hide the
    // ones behind them.
    void place_put_off(Node*& head) noexcept {
        while (head != nullptr && head->due > asked_at_) {
            Node& node = *head;
            unlink(node);
            place(node);
            next_ = std::min(next_, node.due);
            next_is_known_ = false;
        }
    }
    void close(unsigned level, unsigned slot) noexcept {
        slots_[level] &= ~(std::uint64_t{1} << slot);
        if (slots_[level] == 0) levels_ &= ~(1U << level);
        next_is_known_ = false;
    }

    // Opens the slots up to now, until something is due: what is run soon was looked at just
    // before. Done in every turn this keeps the levels low that timers of the next milliseconds get
    // to.
    bool gather(Clock::time_point now) noexcept {
        const std::int64_t present = tick_of(now);
        while (levels_ != 0) {
            const auto level = static_cast<unsigned>(std::countr_zero(levels_));
            const auto slot = static_cast<unsigned>(std::countr_zero(slots_[level]));
            const std::int64_t first = first_tick(level, slot);
            if (first > present) break;
            if (level == 0 && next_ > now) return false; // the rest of the tick
            present_ = first;
            // What is due in this slot is due before all others. But to put few in order costs
            // less: a longer slot is spread first, unless a node is alone in it.
            const bool is_short = level <= 1 || is_alone(heads_[level][slot]);
            const Clock::time_point end = end_of(last_tick(level, first));
            open(level, slot, is_short ? std::min(now, end) : before_all);
            if (gathered_ != nullptr) return true;
            if (level == 0) look();
        }
        present_ = std::max(present_, present);
        return false;
    }

    // What is due until then is gathered, in order, and the rest put where it belongs.
    void open(unsigned level, unsigned slot, Clock::time_point until) noexcept {
        Chains left{};
        std::ranges::swap_ranges(left, heads_[level][slot]);
        close(level, slot);
        Chains due{};
        while (!std::ranges::all_of(left, is_null))
            for (unsigned i = 0; i < chains; ++i) {
                Node* const node = left[i];
                if (node == nullptr) continue;
                left[i] = node->next;
                __builtin_prefetch(left[i]);
                if (node->due <= until)
                    node->next = std::exchange(due[i], node);
                else
                    place(*node);
            }
        using Sorted = SortedChain<Node, Earlier>;
        Node** end = &gathered_;
        for (Node* node = Sorted::merge(Sorted::merge(Sorted::of(due[0]), Sorted::of(due[1])),
                                        Sorted::merge(Sorted::of(due[2]), Sorted::of(due[3])));
             node != nullptr; node = node->next) {
            *end = node;
            node->link = end;
            end = &node->next;
        }
    }

    // What was put off is placed where it belongs. Of many nodes in a slot only some are looked at:
    // the begin of the slot is before them all. Not so in the present, which has begun; but where
    // one of them was due already when somebody asked last, what was known before will do.
    void look() noexcept {
        next_ = earliest();
        next_is_known_ = true;
    }
    Clock::time_point earliest() noexcept {
        while (levels_ != 0) {
            const auto level = static_cast<unsigned>(std::countr_zero(levels_));
            const auto slot = static_cast<unsigned>(std::countr_zero(slots_[level]));
            const std::int64_t first = first_tick(level, slot);
            const std::int64_t last = last_tick(level, first);
            Clock::time_point earliest = Clock::time_point::max();
            unsigned seen = 0;
            for (Node* node : Chains{heads_[level][slot]})
                while (node != nullptr) {
                    Node* const next = node->next;
                    if (tick_of(node->due) > last) {
                        unlink(*node);
                        place(*node);
                    } else {
                        earliest = std::min(earliest, node->due);
                        if (++seen > few) {
                            if (level > 0) return begin_of(first);
                            if (next_ != before_all && earliest <= asked_at_) return next_;
                        }
                    }
                    node = next;
                }
            if (seen > 0) return earliest;
        }
        return Clock::time_point::max();
    }

    struct Earlier {
        bool operator()(const Node& a, const Node& b) const noexcept {
            return a.due != b.due ? a.due < b.due : a.order() < b.order();
        }
    };

    std::uint32_t levels_ = 0;            // that have a node
    std::int64_t present_ = 0;            // tick
    Clock::time_point next_ = before_all; // nothing is due before it
    bool next_is_known_ = false;          // but maybe long after it
    Clock::time_point asked_at_{};
    Node* gathered_ = nullptr;         // in order: due before all others
    Node* aside_ = nullptr;            // until the end of the round
    std::uint64_t slots_[levels] = {}; // of each level, that have a node
    Chains heads_[levels][slots] = {};
};

} // namespace pollux
