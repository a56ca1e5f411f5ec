#pragma once

// One side of the comparison between the simulated kernel and the real one: connected descriptors
// of all kinds, reactors that watch them, and a script of random operations carried out on both
// sides.

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <pollux/backend.hpp>
#include <string>
#include <vector>

#include "simulation/bare_calls.hpp"

namespace pollux_test {

/// What a script asks for. What it means depends on what came before, in the same way on each side.
struct Operation {
    enum class Kind : std::uint8_t {
        add,
        modify,
        remove,
        write,
        fill,
        read,
        drain,
        take_urgent,
        shut,
        send_urgent,
        close,
        reset,
        renew,
    };
    Kind kind;
    std::size_t end;
    std::uint64_t argument;
};
std::string text_of(const Operation& operation);

/// What was found after an operation.
struct Found {
    using Reports = std::map<std::uint64_t, unsigned>; // readiness by token, as far as asked for

    std::int64_t result = 0;      // of the operation: bytes, or minus an errno
    std::int64_t before = 0;      // bytes that waited before a read
    std::vector<unsigned> states; // of every end, in the bits of poll(2)
    std::vector<Reports> reports; // of every reactor
};
std::string text_of(const Found& found);

/// Whether `real` found what was expected. At the edge it may report more than that: TCP tells of
/// what it did late, such as an acknowledgement, when nothing new can be seen. `extra` counts it.
bool agree(const Found& expected, const Found& real, pollux::Trigger trigger, std::size_t& extra);

class ScriptedSide {
public:
    /// `backends` are watched with alike.
    ScriptedSide(const std::vector<pollux::Backend>& backends, pollux::Trigger trigger);

    /// Carries it out and looks. With `expected` it waits until that is found, as long as a slow
    /// kernel may need, and returns what is found in the end.
    Found step(const Operation& operation, const Found* expected);

    static constexpr std::size_t ends = 18; // neighbours are connected

private:
    enum class Sort : std::uint8_t { unix_stream, tcp, pipe };
    struct End {
        int fd = -1;
        Sort sort = Sort::unix_stream;
        std::uint32_t generation = 0;
        bool watched = false;
        pollux::Interest interest = pollux::Interest::read;
        std::size_t writes = 0; // since the other end was last read dry
        bool is_filled = false; // the other end reads all or nothing of it
        bool is_deaf = false;   // its reading was shut down
    };

    // How much a full TCP socket still takes, and when, depends on the memory of the real kernel.
    static bool room_varies(const End& end) { return end.sort == Sort::tcp && end.is_filled; }

    std::int64_t carry_out(const Operation& operation);
    std::int64_t write(std::size_t end, std::size_t size, int flags);
    std::int64_t fill(std::size_t end);
    std::int64_t read(std::size_t end, std::size_t size);
    std::int64_t drain(std::size_t end);
    std::int64_t take_urgent(std::size_t end);
    std::int64_t shut(std::size_t end, std::uint64_t how);
    std::int64_t add(std::size_t end, pollux::Interest interest);
    std::int64_t modify(std::size_t end, pollux::Interest interest);
    void remove(std::size_t end);
    void close(std::size_t end, bool with_reset);
    void renew(std::size_t end);
    void arm(const Found& found, std::uint64_t which);
    void look(std::size_t reactor, Found::Reports& reports);
    std::vector<unsigned> states() const;
    bool is_more_on_its_way(std::size_t end) const;
    std::int64_t waiting(std::size_t end) const;
    pollux::Token token_of(std::size_t end) const;
    End& at(std::size_t end) { return ends_.at(end); }
    End& peer_of(std::size_t end) { return ends_.at(end ^ 1U); }

    Descriptors descriptors_;
    std::array<End, ends> ends_;
    pollux::Trigger trigger_;
    std::vector<std::unique_ptr<pollux::Reactor>> reactors_;
    std::vector<std::size_t> unasked_;
};

} // namespace pollux_test
