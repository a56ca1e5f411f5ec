#include <doctest/doctest.h>

#include "load/fifo.hpp"
#include "load/slow_readers.hpp"

TEST_CASE("a fifo that grows while it is not at its beginning keeps the order") {
    load::Fifo<int> fifo;
    int pushed = 0;
    int popped = 0;
    for (int round = 1; round <= 40; ++round) {
        for (int n = 0; n < round; ++n) fifo.push(pushed++);
        for (int n = 0; n < round / 2; ++n) CHECK(fifo.pop() == popped++);
    }
    CHECK(fifo.size() == static_cast<std::size_t>(pushed - popped));
    while (!fifo.empty()) CHECK(fifo.pop() == popped++);
    CHECK(popped == pushed);
    fifo.push(1);
    fifo.clear();
    CHECK(fifo.empty());
}

TEST_CASE("a reader without a rate takes all there is room for") {
    const load::SlowReaders readers{0, 10};
    CHECK_FALSE(readers.slow());
    CHECK(readers.room(65536) == 65536);
}

TEST_CASE("a slow reader takes a hundredth of a second's bytes at a time") {
    CHECK(load::SlowReaders{100'000, 1}.room(65536) == 1000);
    CHECK(load::SlowReaders{5, 1}.room(65536) == 1);
    CHECK(load::SlowReaders{1'000'000'000, 1}.room(65536) == 65536);
}

TEST_CASE("turns come in order, each when its bytes have been paid for") {
    constexpr std::int64_t second = 1'000'000'000;
    load::SlowReaders readers{1000, 2};
    readers.read(1, 20, 10 * second); // 20 ms, of which 20 may be caught up
    readers.read(0, 10, 10 * second);
    CHECK(readers.next() == 10 * second - 10'000'000);
    CHECK(readers.pop() == 0);
    CHECK(readers.next() == 10 * second);
    CHECK(readers.pop() == 1);
    readers.read(1, 1000, 10 * second);
    CHECK(readers.next() == 11 * second);
}
