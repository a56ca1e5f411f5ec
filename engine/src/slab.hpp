#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace pollux {

/// Names a place in a slab and who lives there: never the next one to live there.
struct SlabId {
    std::uint32_t index;
    std::uint32_t generation;
};

/// Objects at stable addresses, reused. An `Item` has two members for the slab: `generation`, which
/// changes when the item is given back, and `index`, its own place (while free: the next free
/// one). Items are made once and destroyed with the slab; giving one back leaves its cleaning to
/// the caller.
template <class Item, std::size_t chunk_size> class Slab {
    static_assert((chunk_size & (chunk_size - 1)) == 0);

public:
    /// Takes a free item. Throws std::bad_alloc.
    std::uint32_t take() {
        if (first_free_ == nowhere) grow();
        const std::uint32_t index = first_free_;
        first_free_ = std::exchange((*this)[index].index, index);
        ++live_;
        return index;
    }

    /// Gives it back: ids of it name nobody from now on.
    void give_back(std::uint32_t index) noexcept {
        Item& item = (*this)[index];
        ++item.generation;
        item.index = first_free_;
        first_free_ = index;
        --live_;
    }

    Item& operator[](std::uint32_t index) noexcept {
        return chunks_[index / chunk_size]->items[index % chunk_size];
    }

    SlabId id(std::uint32_t index) noexcept { return {index, (*this)[index].generation}; }

    /// Null when whoever had that id is gone. The id must come from this slab.
    Item* find(SlabId id) noexcept {
        Item& item = (*this)[id.index];
        return item.generation == id.generation ? &item : nullptr;
    }

    /// Where that item lies: its chunk in the high half, in the low one its distance from the
    /// chunk's begin in bytes. To find it so costs an addition, where its index needs a
    /// multiplication by its size. The first 65 536 chunks have places.
    static constexpr std::uint32_t last_with_place = 0x10000 * chunk_size - 1;
    static std::uint32_t place(std::uint32_t index) noexcept {
        static_assert(sizeof(Chunk) <= 0x10000);
        assert(index <= last_with_place);
        return static_cast<std::uint32_t>(index / chunk_size << 16 |
                                          index % chunk_size * sizeof(Item));
    }
    Item& at_place(std::uint32_t place) noexcept {
        auto* const begin = reinterpret_cast<std::byte*>(chunks_[place >> 16].get());
        return *reinterpret_cast<Item*>(begin + (place & 0xffff));
    }

    std::size_t live() const noexcept { return live_; }
    std::uint32_t size() const noexcept {
        return static_cast<std::uint32_t>(chunks_.size() * chunk_size);
    }

private:
    static constexpr auto nowhere = static_cast<std::uint32_t>(-1);

    void grow() {
        chunks_.push_back(std::make_unique<Chunk>());
        for (std::uint32_t index = size(); index-- > size() - chunk_size;) {
            (*this)[index].index = first_free_;
            first_free_ = index;
        }
    }

    struct Chunk {
        Item items[chunk_size];
    };
    std::vector<std::unique_ptr<Chunk>> chunks_;
    std::uint32_t first_free_ = nowhere;
    std::size_t live_ = 0;
};

} // namespace pollux
