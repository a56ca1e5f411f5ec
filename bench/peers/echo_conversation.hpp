#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace echo {

/// When a visit to a readable socket is over.
enum class Reading : std::uint8_t {
    once,          ///< After one read: what is left is reported again.
    until_short,   ///< After a read that got less than it asked for.
    until_blocked, ///< When there is nothing to read, or the end was read.
};

/// What is the same for all conversations. They share one buffer, since nobody uses it between two
/// visits.
struct Service {
    std::size_t read_size = 65536;
    std::chrono::nanoseconds work{0}; ///< CPU time to take for each read.
    bool discards = false;            ///< Nothing is sent back: the floor of an upload.
    std::unique_ptr<char[]> buffer = std::make_unique_for_overwrite<char[]>(read_size);
};

/// One client of the bare loops, and of the libraries that report readiness and leave reading and
/// writing to their users. It writes at once; what the kernel does not take waits here, and
/// nothing is read meanwhile, so a client that does not read costs one read's worth of memory.
class Conversation {
public:
    /// What is to be waited for now.
    enum class Next : std::uint8_t { read, write, end };

    /// When the socket is readable, or has been hung up.
    Next receive(int fd, const Service& service, Reading reading);
    /// When the socket is writable, or has been hung up, and an answer waits.
    Next flush(int fd);

    bool answer_waits() const noexcept { return !waiting_.empty(); }

private:
    std::vector<char> waiting_;
};

/// accept4(2): a client's socket that does not block, or -1 when there is none to take now. Throws
/// `std::system_error` when this process can take no more (EMFILE and its like): a server that is
/// measured must not go on with fewer clients than it was asked to serve.
int accept_client(int listener);

} // namespace echo
