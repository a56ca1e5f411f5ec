#pragma once

// Descriptors made and used with the library's own calls, which reach the real kernel, or a
// simulated one while there is a Simulation: the same lines tried on both.

#include <cstddef>
#include <utility>
#include <vector>

namespace pollux_test {

/// Owns descriptors by their number, whichever kernel they are of.
class Descriptors {
public:
    Descriptors() = default;
    ~Descriptors();
    Descriptors(const Descriptors&) = delete;
    Descriptors& operator=(const Descriptors&) = delete;

    /// The first is the one that is looked at. All are non-blocking.
    using Two = std::pair<int, int>;
    Two unix_pair();
    Two tcp_pair(); ///< Over 127.0.0.1.
    Two pipe();     ///< The first reads.
    int tcp();      ///< Neither bound nor connected.
    int unix_stream();
    int udp();
    int bound_tcp(); ///< Nobody is there: connecting to it is refused.
    int listener();
    int counter(unsigned initial);
    int dev_null();
    /// To the port of `bound`, which need not listen.
    int connect_to(int kind_of_socket, int bound);

    void close(int fd);
    void close_with_reset(int fd);

private:
    int own(int fd);
    std::vector<int> open_;
};

std::size_t send_some(int fd, std::size_t size, int flags = 0);
/// What a read gave, 0 also for an error.
std::size_t read_some(int fd, std::size_t size);
/// The errno of a read that fails; 0 for one that does not.
int read_error(int fd);
/// What poll(2) says of it.
unsigned state_of(int fd, unsigned asked);

} // namespace pollux_test
