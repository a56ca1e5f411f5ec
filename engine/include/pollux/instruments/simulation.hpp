#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <pollux/clock.hpp>
#include <pollux/instruments/choices.hpp>
#include <pollux/instruments/remote.hpp>
#include <pollux/net/address.hpp>
#include <string>
#include <vector>

// Instruments of the library `pollux_hooked` alone: a program that uses them and links `pollux`
// does not link.

namespace pollux {

/// What may vary in a simulation; each is a question to `Choices`, asked only when there is more
/// than one answer. With all of them off no question is asked.
struct Variations {
    /// What is sent stays under way and arrives later, in pieces.
    bool late_arrival = true;
    /// The buffers are fuller than usual: a write takes a part.
    bool short_writes = true;
    /// A wait is interrupted by a signal (EINTR).
    bool interruptions = true;
    /// A wait reports what is not ready.
    bool spurious = true;
    /// epoll reports in any order.
    bool order_of_events = true;
    /// Any of those who can act comes first.
    bool order_of_actors = true;
    /// Others act between any two calls, not only while the program waits.
    bool busy_actors = true;
    /// A datagram never arrives, or overtakes another (UDP).
    bool lost_datagrams = true;
    /// A timeout ends before something that was about to happen, however long it is: the others are
    /// slow beyond every deadline. Off unless asked for.
    bool time_passes = false;

    static constexpr Variations none() {
        return {false, false, false, false, false, false, false, false, false};
    }
};

struct SimulationOptions {
    Variations vary = {};
    std::size_t send_buffer = 65536;    ///< Of each socket, in bytes.
    std::size_t receive_buffer = 65536; ///< Of each socket, in bytes.
    int first_descriptor =
        512;               ///< Numbers below it are the real kernel's, those from it on simulated.
    int descriptors = 512; ///< So many; then the program gets EMFILE.
    /// A program that makes more calls goes round in circles: its next wait fails with ETIME.
    std::uint64_t most_calls = 1'000'000;
    /// Called when the program waits without timeout and nothing more can happen: the last chance
    /// to do something, such as `raise(SIGTERM)`. If nothing is ready then either, see
    /// `deadlocked`. What it throws is kept, as of an actor.
    std::function<void()> on_idle = {};
};

class Simulation;

/// Somebody who acts on his own while the program runs: a scripted client.
class Actor {
public:
    Actor() = default;
    Actor(const Actor&) = delete;
    Actor& operator=(const Actor&) = delete;
    virtual ~Actor();

    /// Whether there is something he could do now. It must change nothing.
    virtual bool can_act() = 0;
    /// He does one thing. What he throws comes out of `Simulation::rethrow`; the program's waits
    /// fail with ECANCELED from then on.
    virtual void act() = 0;
    /// When he could next act because time has passed, if so: a wait of the program ends there.
    virtual std::optional<Clock::time_point> due() { return std::nullopt; }

private:
    friend class Simulation;
    Simulation* in_ = nullptr;
};

/// A kernel of its own for the calling thread. While it lives, all calls that the library makes on
/// this thread go to it: reactors, loops, servers and connections run unchanged, on descriptors
/// that exist in memory alone and a clock that moves only when the program waits. The others
/// (clients, servers, the network between) are played by the test, through this class.
///
/// Nothing in it is left to chance: all that varies is asked of `Choices`. So a program that does
/// the same again when it sees the same does the same again for the same choices, call for call.
///
/// It answers for TCP, Unix and UDP sockets, pipes, eventfd, signalfd, epoll, poll and select, with
/// the rules of Linux. What it opens by name is real, and a descriptor below `first_descriptor`
/// that the program watches (standard input) is taken for a file, which is always ready. It has no
/// processes (fork, posix_spawn: ENOSYS) and no threads: those that a program starts use the real
/// kernel, so a program that needs them cannot be simulated.
///
/// One at a time on a thread, made before what it runs and destroyed after it.
class Simulation {
public:
    explicit Simulation(Choices& choices, SimulationOptions options = {});
    ~Simulation();
    Simulation(const Simulation&) = delete;
    Simulation& operator=(const Simulation&) = delete;

    /// Somebody connects to the program (an IP or Unix address). Ask the end what became of it.
    RemoteEnd connect(const Address& to);
    /// Somewhere for the program to connect to. Any address: the simulated network has all of them;
    /// port 0 is chosen. Throws `std::system_error` when it is in use.
    RemoteListener listen(const Address& at, int backlog = 128);
    /// Somebody on UDP.
    RemotePeer datagrams(const Address& at);

    /// `actor` acts whenever he can and it is his turn, until he is removed or destroyed.
    void add(Actor& actor);
    void remove(Actor& actor);

    /// A signal for the program: whoever reads signals as events (SignalWatch) gets it.
    void raise(int signal);
    /// Lets everything that is under way arrive, in order.
    void deliver();

    Clock::time_point now() const;
    void advance(Clock::duration by);

    /// The program waited without a timeout when nothing could happen any more. Its wait failed
    /// with EDEADLK (a loop throws it from `run`).
    bool deadlocked() const;
    /// The program made more than `most_calls`. Its waits fail with ETIME.
    bool endless() const;
    std::uint64_t calls() const; ///< So many were made.
    /// Throws what an actor or `on_idle` threw first, if any did.
    void rethrow() const;

    /// What the program has open: "512 epoll", "514 tcp 127.0.0.1:40000 listening".
    std::vector<std::string> open_descriptors() const;

    /// All calls and all that happened beside them, one a line; the last so many lines.
    std::string story(std::size_t lines = 200) const;
    /// A line of one's own in it.
    void note(std::string text);

private:
    class Parts;
    std::unique_ptr<Parts> parts_;
};

} // namespace pollux
