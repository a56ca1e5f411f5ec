#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace load {

/// What the sockets send and must get back: a byte for every position of the stream, without a
/// period that a message size or a buffer divides, so that a byte lost or doubled is seen.
class Pattern {
public:
    /// Of answers that are the same bytes, or the same in upper case.
    explicit Pattern(bool upper);
    static constexpr std::size_t longest = 65536; ///< What both functions give at most.
    /// The bytes from this position of the stream on.
    const char* at(std::uint64_t position) const noexcept {
        return &bytes_[static_cast<std::size_t>(position % period)];
    }
    /// And what must come back for them.
    const char* answer_at(std::uint64_t position) const noexcept {
        return &answers_[static_cast<std::size_t>(position % period)];
    }

private:
    static constexpr std::size_t period = 65521;
    std::vector<char> bytes_;
    std::vector<char> answers_;
};

} // namespace load
