// UniqueFunction: what a loop keeps of its users.

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <pollux/function.hpp>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

using namespace pollux;

namespace {

// Counts how many of it live, and where it is called.
struct Counted {
    int* alive;
    explicit Counted(int& count) : alive{&count} { ++*alive; }
    Counted(const Counted& other) : alive{other.alive} { ++*alive; }
    Counted(Counted&& other) noexcept : alive{other.alive} { ++*alive; }
    Counted& operator=(const Counted&) = delete;
    ~Counted() { --*alive; }
};

template <std::size_t size> struct Sized : Counted {
    using Counted::Counted;
    std::array<std::byte, size> rest{};
    const void* operator()() { return this; }
};

bool is_inside(const void* what, const void* where, std::size_t size) {
    const auto address = reinterpret_cast<std::uintptr_t>(what);
    const auto start = reinterpret_cast<std::uintptr_t>(where);
    return address >= start && address < start + size;
}

template <class Callable> bool is_kept_inside(Callable callable) {
    UniqueFunction<const void*()> function{std::move(callable)};
    return is_inside(function(), &function, sizeof function);
}

int twice(int number) { return 2 * number; }

struct ThrowingMove {
    ThrowingMove() = default;
    ThrowingMove(ThrowingMove&&) noexcept(false) {}
    const void* operator()() { return this; }
};
struct alignas(2 * sizeof(void*)) TwoWordsAligned {
    const void* operator()() { return this; }
};
struct alignas(64) OverAligned {
    const void* operator()() { return this; }
};

} // namespace

TEST_CASE("two words are kept inside, more goes to the heap; moves and ends are in balance") {
    static_assert(sizeof(UniqueFunction<void()>) == 3 * sizeof(void*));
    int alive = 0;
    CHECK(is_kept_inside(Sized<8>{alive}));
    CHECK_FALSE(is_kept_inside(Sized<9>{alive}));
    CHECK_EQ(alive, 0);
    {
        UniqueFunction<const void*()> small{Sized<8>{alive}};
        UniqueFunction<const void*()> large{Sized<100>{alive}};
        CHECK_EQ(alive, 2);
        UniqueFunction<const void*()> moved{std::move(small)};
        CHECK_FALSE(small); // NOLINT(bugprone-use-after-move): this is the test
        CHECK(moved);
        CHECK_EQ(alive, 2);
        moved = std::move(large);
        CHECK_EQ(alive, 1);
        auto& same = moved;
        moved = std::move(same);
        CHECK(moved);
        moved = nullptr;
        CHECK_FALSE(moved);
        CHECK_EQ(alive, 0);
        moved = Sized<8>{alive};
        CHECK_EQ(alive, 1);
    }
    CHECK_EQ(alive, 0);
}

TEST_CASE("what may throw when moved, or wants more alignment, goes to the heap") {
    CHECK_FALSE(is_kept_inside(ThrowingMove{}));
    CHECK_FALSE(is_kept_inside(OverAligned{}));
    CHECK_FALSE(is_kept_inside(TwoWordsAligned{}));
    UniqueFunction<const void*()> function{OverAligned{}};
    CHECK_EQ(reinterpret_cast<std::uintptr_t>(function()) % alignof(OverAligned), 0);
    const void* const before = function();
    UniqueFunction<const void*()> moved{std::move(function)};
    CHECK_EQ(moved(), before);
    static_assert(std::is_nothrow_move_constructible_v<UniqueFunction<void()>>);
    static_assert(std::is_nothrow_move_assignable_v<UniqueFunction<void()>>);
    static_assert(!std::is_copy_constructible_v<UniqueFunction<void()>>);
}

TEST_CASE("captures may be move-only, arguments too, and arguments may be references") {
    UniqueFunction<int(std::unique_ptr<int>)> sum{
        [kept = std::make_unique<int>(40)](std::unique_ptr<int> more) { return *kept + *more; }};
    CHECK_EQ(sum(std::make_unique<int>(2)), 42);
    int number = 1;
    UniqueFunction<void(int&)> increase{[](int& to) { ++to; }};
    increase(number);
    CHECK_EQ(number, 2);
    UniqueFunction<int&()> refer{[&]() -> int& { return number; }};
    refer() = 7;
    CHECK_EQ(number, 7);
}

TEST_CASE("its state lasts from call to call, and a result may be ignored or converted") {
    UniqueFunction<int()> count{[n = 0]() mutable { return ++n; }};
    count();
    CHECK_EQ(count(), 2);
    int calls = 0;
    UniqueFunction<void()> ignoring{[&] { return ++calls; }};
    UniqueFunction<void()> ignoring_large{
        [&, big = std::array<char, 64>{}] { return calls += 1 + big[0]; }};
    ignoring();
    ignoring_large();
    CHECK_EQ(calls, 2);
    UniqueFunction<long(int)> widening{twice};
    CHECK_EQ(widening(21), 42L);
    UniqueFunction<std::string()> text{[] { return "text"; }};
    CHECK_EQ(text(), "text");
}

TEST_CASE("functions, members, and the empty among them") {
    struct Point {
        int x = 3;
        int doubled() const { return 2 * x; }
    };
    UniqueFunction<int(const Point&)> member{&Point::doubled};
    CHECK_EQ(member(Point{}), 6);
    UniqueFunction<int(const Point&)> field{&Point::x};
    CHECK_EQ(field(Point{}), 3);
    UniqueFunction<int(int)> none;
    CHECK_FALSE(none);
    int (*const null)(int) = nullptr;
    CHECK_FALSE(UniqueFunction<int(int)>{null});
    int (Point::*const no_member)() const = nullptr;
    CHECK_FALSE(UniqueFunction<int(const Point&)>{no_member});
    CHECK_FALSE(UniqueFunction<int(int)>{UniqueFunction<int(int)>{}});
    CHECK_FALSE(UniqueFunction<long(int)>{UniqueFunction<int(int)>{}});
}

TEST_CASE("what it throws passes through, and it stays callable") {
    UniqueFunction<int(bool)> function{[](bool fails) {
        if (fails) throw std::runtime_error{"failed"};
        return 1;
    }};
    CHECK_THROWS_WITH(function(true), "failed");
    CHECK_EQ(function(false), 1);
}

TEST_CASE("a constructor that throws leaves nothing behind") {
    struct Thrower {
        std::array<char, 64> big{};
        Thrower() = default;
        Thrower(const Thrower& other) : big{other.big} { throw std::runtime_error{"copy"}; }
        void operator()() const {}
    };
    const Thrower thrower;
    CHECK_THROWS_WITH((UniqueFunction<void()>{thrower}), "copy");
}

namespace {

// Looks at, or fills, the function it dies in.
struct LastWords {
    UniqueFunction<int()>* home = nullptr;
    bool* was_empty = nullptr;
    bool refills = false;

    LastWords(UniqueFunction<int()>& in, bool& saw, bool fills)
        : home{&in}, was_empty{&saw}, refills{fills} {}
    LastWords(LastWords&& other) noexcept
        : home{std::exchange(other.home, nullptr)},
          was_empty{other.was_empty},
          refills{other.refills} {}
    LastWords& operator=(LastWords&&) = delete;
    LastWords(const LastWords&) = delete;
    LastWords& operator=(const LastWords&) = delete;
    ~LastWords() {
        if (home == nullptr) return;
        *was_empty = !*home;
        if (refills) *home = [kept = std::make_shared<int>(2)] { return *kept; };
    }
    int operator()() const { return 1; }
};

} // namespace

TEST_CASE("the destructor of a callable sees its function as it is to be, and may fill it") {
    UniqueFunction<int()> function;
    bool was_empty = false;
    function = LastWords{function, was_empty, false};
    function = nullptr;
    CHECK(was_empty);
    function = LastWords{function, was_empty, false};
    function = [] { return 3; };
    CHECK_FALSE(was_empty); // what came next was there
    CHECK_EQ(function(), 3);
    function = LastWords{function, was_empty, true};
    function = nullptr;
    CHECK_EQ(function(), 2);
    function = LastWords{function, was_empty, true};
    function = [] { return 3; };
    CHECK_EQ(function(), 2);
}

TEST_CASE("a callable may end its own function, when its caller keeps it alive") {
    auto kept = std::make_shared<std::string>("captured");
    const std::weak_ptr<std::string> seen{kept};
    std::optional<UniqueFunction<void()>> home;
    home.emplace([&home, kept = std::move(kept)] {
        home.reset();
        CHECK_EQ(*kept, "captured");
    });
    UniqueFunction<void()> running{std::move(*home)};
    running();
    CHECK_FALSE(home);
    CHECK_FALSE(seen.expired());
    running = nullptr;
    CHECK(seen.expired());
}
