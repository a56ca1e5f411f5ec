#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <pollux/clock.hpp>
#include <utility>
#include <vector>

namespace pollux {

inline constexpr auto not_in_heap = static_cast<std::uint32_t>(-1);

/// What `order()` of a node gives when nodes due at the same time may come in any order.
struct AnyOrder {
    auto operator<=>(const AnyOrder&) const = default;
};

/// A 4-ary heap of nodes that live elsewhere, the earliest first. A node has the members `due` and
/// `place` (initially `not_in_heap`), both kept by the heap, and `order()`, which orders nodes due
/// at the same time and changes only just before the node is armed.
///
/// Arming a node for a later time than it has is a store: the heap keeps the earlier time and finds
/// the truth when that comes to the top. Connections that put off their idle deadline with every
/// message cost nothing here.
template <class Node> class DeadlineHeap {
public:
    bool empty() const noexcept { return entries_.empty(); }

    /// Room for so many nodes: while no more than that are armed, `arm` allocates nothing.
    void make_room(std::size_t nodes) {
        if (nodes > entries_.capacity()) entries_.reserve(std::max(nodes, 2 * entries_.capacity()));
    }

    /// Arms the node, or arms it anew. Throws std::bad_alloc.
    void arm(Node& node, Clock::time_point due) {
        if (node.place == not_in_heap) {
            entries_.push_back({due, &node, node.order()});
            node.due = due;
            node.place = static_cast<std::uint32_t>(entries_.size() - 1);
            rise(node.place);
            return;
        }
        node.due = due;
        if (due >= entries_[node.place].due) return;
        entries_[node.place] = {due, &node, node.order()};
        rise(node.place);
    }

    /// No work when it is not armed.
    void disarm(Node& node) noexcept {
        if (node.place == not_in_heap) return;
        const std::uint32_t place = std::exchange(node.place, not_in_heap);
        const Entry last = entries_.back();
        entries_.pop_back();
        if (last.node == &node) return;
        put(place, last);
        rise(place);
        sink(last.node->place);
    }

    /// The earliest node; null when there is none.
    Node* earliest() noexcept {
        if (entries_.empty()) return nullptr;
        for (;;) {
            Node& node = *entries_[0].node;
            if (entries_[0].due == node.due && entries_[0].order == node.order()) return &node;
            entries_[0] = {node.due, &node, node.order()};
            sink(0);
        }
    }

    struct Entry {
        Clock::time_point due; // not later than the node's own
        Node* node;
        [[no_unique_address]] decltype(std::declval<const Node&>().order()) order;
    };

private:
    static constexpr std::uint32_t arity = 4;

    static bool before(const Entry& a, const Entry& b) noexcept {
        return a.due != b.due ? a.due < b.due : a.order < b.order;
    }

    void put(std::uint32_t place, Entry entry) noexcept {
        entries_[place] = entry;
        entry.node->place = place;
    }

    void rise(std::uint32_t place) noexcept {
        const Entry entry = entries_[place];
        while (place > 0) {
            const std::uint32_t parent = (place - 1) / arity;
            if (!before(entry, entries_[parent])) break;
            put(place, entries_[parent]);
            place = parent;
        }
        put(place, entry);
    }

    void sink(std::uint32_t place) noexcept {
        const Entry entry = entries_[place];
        const auto size = static_cast<std::uint32_t>(entries_.size());
        for (;;) {
            const std::uint32_t first = place * arity + 1;
            if (first >= size) break;
            std::uint32_t least = first;
            for (std::uint32_t child = first + 1; child < size && child < first + arity; ++child)
                if (before(entries_[child], entries_[least])) least = child;
            if (!before(entries_[least], entry)) break;
            put(place, entries_[least]);
            place = least;
        }
        put(place, entry);
    }

    std::vector<Entry> entries_;
};

} // namespace pollux
