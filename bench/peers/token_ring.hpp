#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace peers {

/// N pipes in a ring and tokens of one byte that go round in it: whoever finds a pipe readable
/// takes one token out and puts it into the next. The workload of libevent's test/bench.c and of
/// libev's comparison (libev.schmorp.de/bench.html), but that it never stops: what is measured is
/// a number of calls of a ring that is going round already.
class TokenRing {
public:
    /// What is done with a token.
    enum class Act : std::uint8_t {
        pass,  ///< It goes to the next pipe.
        leave, ///< It stays: the pipe is readable for ever.
        take,  ///< It is gone.
    };

    /// Lets the process open enough descriptors first.
    TokenRing(std::size_t pipes, std::size_t tokens);
    ~TokenRing();
    TokenRing(const TokenRing&) = delete;
    TokenRing& operator=(const TokenRing&) = delete;

    /// Opens pipes without tokens, in place of those before. Their reading ends are whoever's who
    /// watches them, to close.
    std::span<const int> open();
    /// Puts the tokens in, spread evenly.
    void put_tokens();

    /// Counts calls from zero and calls `on_enough` at that many.
    void expect(Act act, std::uint64_t calls, std::function<void()> on_enough);
    /// The callback of every contestant.
    void ready(std::size_t place) noexcept;

    std::uint64_t calls() const noexcept { return calls_; }
    /// Calls that found no token: the loop was told what is not so.
    std::uint64_t spurious() const noexcept { return spurious_; }
    std::size_t size() const noexcept { return writers_.size(); }
    std::size_t tokens() const noexcept { return tokens_; }

private:
    void close_writers() noexcept;
    bool move(std::size_t place) noexcept;

    std::size_t tokens_;
    std::vector<int> readers_, writers_;
    Act act_ = Act::pass;
    std::uint64_t calls_ = 0, enough_ = 0, spurious_ = 0;
    std::function<void()> on_enough_;
};

} // namespace peers
