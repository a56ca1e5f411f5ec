#pragma once

#include <pollux/bytes.hpp>
#include <string>

namespace demos {

/// Text that comes in pieces, cut anywhere, and is shown as it comes: `harmless`, with ends of
/// lines and tabs kept. A character that is cut waits for its rest.
class ArrivingText {
public:
    /// What can be shown once `piece` is there.
    std::string take(pollux::ByteView piece);
    /// At the end: what waited in vain.
    std::string rest();

private:
    std::string cut_; // the beginning of a character
};

} // namespace demos
