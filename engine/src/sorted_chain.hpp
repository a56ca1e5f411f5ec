#pragma once

#include <array>
#include <cstddef>
#include <utility>

namespace pollux {

/// Sorts nodes that are linked by their member `next`, the last one's null: a merge sort of the
/// runs that are there already. What is in order, or in reverse, costs one look at each node.
/// `before(a, b)` says whether a comes before b. Needs no memory.
template <class Node, class Before> class SortedChain {
public:
    static Node* of(Node* chain) noexcept {
        if (chain == nullptr) return nullptr;
        Node* const first = take_run(chain);
        if (chain == nullptr) return first;
        // As a binary counter: at place i wait 2^i runs, merged.
        std::array<Node*, 48> waiting{};
        waiting[0] = first;
        while (chain != nullptr) {
            Node* merged = take_run(chain);
            std::size_t place = 0;
            for (; waiting[place] != nullptr; ++place)
                merged = merge(std::exchange(waiting[place], nullptr), merged);
            waiting[place] = merged;
        }
        Node* merged = nullptr;
        for (Node* const one : waiting) merged = merge(one, merged);
        return merged;
    }

    /// Of two that are sorted; where equal, those of `a` first.
    static Node* merge(Node* a, Node* b) noexcept {
        Node* merged = nullptr;
        Node** end = &merged;
        while (a != nullptr && b != nullptr) {
            Node*& least = Before{}(*b, *a) ? b : a;
            *end = least;
            end = &least->next;
            least = least->next;
        }
        *end = a != nullptr ? a : b;
        return merged;
    }

private:
    // As long as what follows belongs before the first or after the last.
    static Node* take_run(Node*& chain) noexcept {
        Node* first = chain;
        Node* last = chain;
        chain = chain->next;
        while (chain != nullptr) {
            Node* const node = chain;
            if (Before{}(*node, *first)) {
                chain = node->next;
                node->next = std::exchange(first, node);
            } else if (!Before{}(*node, *last)) {
                chain = node->next;
                last = last->next = node;
            } else {
                break;
            }
        }
        last->next = nullptr;
        return first;
    }
};

} // namespace pollux
