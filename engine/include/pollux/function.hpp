#pragma once

#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace pollux {

template <class Signature> class UniqueFunction;

template <class Callable> inline constexpr bool is_unique_function = false;
template <class Signature>
inline constexpr bool is_unique_function<UniqueFunction<Signature>> = true;

/// A move-only callable, after C++23's std::move_only_function. A callable of up to two words that
/// moves without throwing is kept inside (24 bytes in all); a larger one goes to the heap. A null
/// pointer to a function or member, and an empty function of another signature, make an empty one.
/// Calling that is a broken promise (assert).
template <class Result, class... Args> class UniqueFunction<Result(Args...)> {
public:
    UniqueFunction() noexcept = default;
    UniqueFunction(std::nullptr_t) noexcept {} // NOLINT(google-explicit-constructor)

    template <class Callable>
        requires(!std::same_as<std::remove_cvref_t<Callable>, UniqueFunction> &&
                 std::is_invocable_r_v<Result, std::decay_t<Callable>&, Args...>)
    // NOLINTNEXTLINE(google-explicit-constructor, bugprone-forwarding-reference-overload)
    UniqueFunction(Callable&& callable) {
        using Kept = std::decay_t<Callable>;
        if (is_null(callable)) return;
        if constexpr (fits<Kept>) {
            std::construct_at(reinterpret_cast<Kept*>(&storage_), std::forward<Callable>(callable));
            operations_ = &inside<Kept>;
        } else {
            std::construct_at(reinterpret_cast<Kept**>(&storage_),
                              new Kept(std::forward<Callable>(callable)));
            operations_ = &on_heap<Kept>;
        }
    }

    UniqueFunction(UniqueFunction&& other) noexcept { take(other); }
    UniqueFunction& operator=(UniqueFunction&& other) noexcept {
        if (this != &other) {
            const UniqueFunction former{std::move(*this)}; // ends last: see reset
            take(other);
        }
        return *this;
    }
    UniqueFunction(const UniqueFunction&) = delete;
    UniqueFunction& operator=(const UniqueFunction&) = delete;
    ~UniqueFunction() { reset(); }

    explicit operator bool() const noexcept { return operations_ != nullptr; }

    Result operator()(Args... args) {
        assert(operations_ != nullptr);
        // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a promise
        return operations_->call(&storage_, std::forward<Args>(args)...);
    }

private:
    struct Storage {
        alignas(void*) std::byte bytes[2 * sizeof(void*)];
    };
    // Null where there is nothing to do but to copy the bytes, or nothing at all: most callables
    // hold a pointer or two, and are moved and forgotten without a call.
    struct Operations {
        Result (*call)(Storage*, Args...);
        void (*move)(Storage* from, Storage* to) noexcept; // leaves nothing behind in `from`
        void (*destroy)(Storage*) noexcept;
    };

    template <class Kept>
    static constexpr bool fits = // NOLINTNEXTLINE(misc-redundant-expression): not the same
        sizeof(Kept) <= sizeof(Storage) && alignof(Kept) <= alignof(Storage) &&
        std::is_nothrow_move_constructible_v<Kept>;

    template <class Kept> static Kept& at(Storage* storage) noexcept {
        return *reinterpret_cast<Kept*>(storage);
    }

    template <class Callable> static Result invoke(Callable& callable, Args&&... args) {
        if constexpr (std::is_void_v<Result>)
            static_cast<void>(std::invoke(callable, std::forward<Args>(args)...));
        else
            return std::invoke(callable, std::forward<Args>(args)...);
    }

    template <class Callable> static bool is_null(const Callable& callable) noexcept {
        if constexpr (std::is_pointer_v<Callable> || std::is_member_pointer_v<Callable>)
            return callable == nullptr;
        else if constexpr (is_unique_function<Callable>)
            return !callable;
        else
            return false;
    }

    template <class Kept> static void relocate(Storage* from, Storage* to) noexcept {
        std::construct_at(reinterpret_cast<Kept*>(to), std::move(at<Kept>(from)));
        std::destroy_at(&at<Kept>(from));
    }
    template <class Kept> static void destroy(Storage* storage) noexcept {
        std::destroy_at(&at<Kept>(storage));
    }

    template <class Kept>
    static constexpr Operations inside{
        [](Storage* storage, Args... args) -> Result {
            return invoke(at<Kept>(storage), std::forward<Args>(args)...);
        },
        std::is_trivially_copyable_v<Kept> ? nullptr : &relocate<Kept>,
        std::is_trivially_destructible_v<Kept> ? nullptr : &destroy<Kept>};

    template <class Kept>
    static constexpr Operations on_heap{
        [](Storage* storage, Args... args) -> Result {
            return invoke(*at<Kept*>(storage), std::forward<Args>(args)...);
        },
        nullptr, [](Storage* storage) noexcept { delete at<Kept*>(storage); }};

    void take(UniqueFunction& other) noexcept {
        if (other.operations_ == nullptr) return;
        operations_ = std::exchange(other.operations_, nullptr);
        if (operations_->move == nullptr)
            std::memcpy(&storage_, &other.storage_, sizeof storage_);
        else
            operations_->move(&other.storage_, &storage_);
    }

    // The callable goes last: its destructor may be code that looks at this object again.
    void reset() noexcept {
        if (operations_ == nullptr) return;
        const Operations* const operations = std::exchange(operations_, nullptr);
        if (operations->destroy != nullptr) operations->destroy(&storage_);
    }

    // Set, or g++ 12 warns in the code of users of the bytes that a small callable leaves.
    Storage storage_{};
    const Operations* operations_ = nullptr;
};

/// Work without arguments: what a timer runs, what is posted.
using Task = UniqueFunction<void()>;

} // namespace pollux
