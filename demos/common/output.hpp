#pragma once

#include <pollux/bytes.hpp>
#include <string>

namespace demos {

/// Standard output of a client that shows what its server says: byte for byte into a pipe or a
/// file; on a terminal with what would move its cursor made harmless, ends of lines and tabs left.
class Output {
public:
    Output();
    /// `bytes` may end in the middle of a character.
    void print(pollux::ByteView bytes);
    /// Nothing follows: prints what is left of a character.
    void finish();

private:
    bool is_terminal_;
    std::string cut_; // the front of a character
};

} // namespace demos
