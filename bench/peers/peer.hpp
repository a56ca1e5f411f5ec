#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "peers/token_ring.hpp"

// What each library is asked to do. A file of this folder named after the library answers, written
// as the documentation of the library advises, and says where it does. One program for each.

namespace peers {

/// A loop that watches descriptors and tells the ring, again and again, while they are readable.
class Watching {
public:
    Watching() = default;
    Watching(const Watching&) = delete;
    Watching& operator=(const Watching&) = delete;
    virtual ~Watching() = default;

    /// Watches these from now on; calls `ring.ready(i)` for the one at place i.
    virtual void add(std::span<const int> fds) = 0;
    /// Stops watching all of them and closes them.
    virtual void remove() = 0;
    /// One turn that does not wait. What `add` and `remove` put off is done when it returns.
    virtual void turn() = 0;
    /// Waits and calls until a callback calls `end`; the turn under way may be finished first.
    virtual void run() = 0;
    virtual void end() = 0;
};

/// As many timers as it was made for, and a loop to run them.
class Timers {
public:
    Timers() = default;
    Timers(const Timers&) = delete;
    Timers& operator=(const Timers&) = delete;
    virtual ~Timers() = default;

    /// Arms the first of them, one for each delay from the loop's now.
    virtual void arm(std::span<const std::chrono::milliseconds> delays) = 0;
    /// Cancels them in this order.
    virtual void cancel(std::span<const std::size_t> order) = 0;
    /// Arms these for `idle_timeout` from now, armed or not, as a connection does with every
    /// message; all in one turn.
    virtual void put_off(std::span<const std::size_t> timers) = 0;
    static constexpr std::chrono::milliseconds idle_timeout{60'000};

    /// Where a timer is an object that owns its task: makes one more for each delay, armed. False
    /// where it is not.
    virtual bool make(std::span<const std::chrono::milliseconds>) { return false; }
    /// Destroys those in this order.
    virtual void destroy(std::span<const std::size_t>) {}

    /// One turn that does not wait: calls what is due.
    virtual void turn() = 0;

    virtual std::size_t armed() const = 0;
    std::uint64_t called() const noexcept { return called_; }

protected:
    std::uint64_t called_ = 0; ///< Each timer calls `count_call` with it.
};

/// The callback of every timer: what they all do alike costs them alike.
void count_call(std::uint64_t& calls) noexcept;

/// What is carried to another thread.
struct Job {
    void (*function)(void*) noexcept;
    void* argument;
    void operator()() const noexcept { function(argument); }
};

/// A loop that other threads give a job to do.
class Mailbox {
public:
    Mailbox() = default;
    Mailbox(const Mailbox&) = delete;
    Mailbox& operator=(const Mailbox&) = delete;
    virtual ~Mailbox() = default;

    /// From any thread: has the job done so many times.
    virtual void post(std::uint64_t times) = 0;
    /// Does what is posted until a job calls `end`.
    virtual void run() = 0;
    virtual void end() = 0;
};

/// How a job gets into the mailbox.
enum class Way : std::uint8_t {
    post,   ///< The library carries it.
    look,   ///< The same, and a loop with nothing to do looks for a while before it sleeps.
    queue,  ///< A queue of our own carries it, the library wakes the loop (see JobQueue).
    signal, ///< Nothing is carried. Signals that meet count as one, so the job runs less often.
};

/// What the library of this program is and can; defined once, in the file of the library. A
/// function that refuses throws `std::invalid_argument`.
struct Library {
    std::string name;
    std::string version;
    std::unique_ptr<Watching> (*watching)(std::string_view facility, TokenRing& ring);
    std::unique_ptr<Timers> (*timers)(std::size_t count);
    std::unique_ptr<Mailbox> (*mailbox)(Way way, Job job);
};
Library library();

/// "libev: no io_uring here".
[[noreturn]] void refuse(std::string_view library, std::string_view wanted);

} // namespace peers
