#include "common/file_store.hpp"

#include "support/failing_memory.hpp"

#include <array>
#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <new>
#include <pollux/event_loop.hpp>
#include <vector>

using namespace pollux;
using namespace pollux_test;
using State = demos::IncomingFile::State;

namespace {

constexpr std::size_t one_part = std::size_t{256} << 10; // is written at once

std::array<char, 32> new_folder() {
    std::array<char, 32> path{"/tmp/pollux-store-XXXXXX"};
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    return path;
}

struct Case {
    Case() = default;
    ~Case() { std::filesystem::remove_all(path.data()); }
    Case(const Case&) = delete;
    Case& operator=(const Case&) = delete;

    bool is_empty() const { return std::filesystem::is_empty(path.data()); }

    std::array<char, 32> path = new_folder();
    EventLoop loop;
    demos::FileStore store{loop, {.directory = path.data()}};
    std::vector<std::byte> part = std::vector<std::byte>(one_part);
};

// A turn in which there is no memory may end early; the next one goes on.
void turn(EventLoop& loop) {
    try {
        loop.run_once();
    } catch (const std::bad_alloc&) {
    }
}

} // namespace

TEST_CASE("X4 FileStore: a file is given up whatever memory there is") {
    Case c;
    for (int nth = 1; nth <= 6; ++nth) {
        CAPTURE(nth);
        auto file = c.store.receive("name", 4 * one_part, [] {});
        file->take(c.part);
        while (c.loop.run_once() == 0) { // until that part is written
        }
        const FailingMemory none{nth};
        file.reset();
    }
    CHECK(c.is_empty());
}

TEST_CASE("X4 FileStore: a part that cannot be handed on refuses the file, or all of it comes") {
    Case c;
    int refused = 0;
    for (int nth = 1; nth <= 12; ++nth) {
        CAPTURE(nth);
        auto file = c.store.receive("name" + std::to_string(nth), 2 * one_part, [] {});
        file->take(c.part);
        file->take(c.part); // waits until the first is written
        REQUIRE_EQ(file->state(), State::storing);
        {
            const FailingMemory none{nth};
            turn(c.loop);
        }
        while (file->state() == State::storing) turn(c.loop);
        if (file->state() == State::refused) {
            CHECK_EQ(file->reason(), "no-memory");
            ++refused;
        } else {
            CHECK_EQ(file->state(), State::complete);
        }
    }
    CHECK_GT(refused, 0);
}
