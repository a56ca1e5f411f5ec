#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <pollux/bytes.hpp>
#include <pollux/event_loop.hpp>
#include <pollux/function.hpp>
#include <string>
#include <sys/types.h>
#include <vector>

namespace pollux {

/// How a process ended.
struct ExitStatus {
    enum class How : std::uint8_t {
        exited,  ///< By itself: see `code`.
        killed,  ///< By a signal: see `signal`.
        unknown, ///< The program ignores SIGCHLD, or somebody else has waited for the process.
    };
    How how = How::unknown;
    std::uint8_t code = 0;    ///< What it gave to exit(3); by custom 0 means success.
    int signal = 0;           ///< The signal that killed it.
    bool dumped_core = false; ///< The signal made it leave a core file.

    bool success() const noexcept { return how == How::exited && code == 0; }
    bool operator==(const ExitStatus&) const = default;
};

/// What a standard stream of a child is connected to.
class ChildStream {
public:
    enum class Kind : std::uint8_t { inherited, null, pipe, descriptor, output };

    /// What this process has.
    static constexpr ChildStream inherit() noexcept { return ChildStream{Kind::inherited}; }
    /// /dev/null.
    static constexpr ChildStream null() noexcept { return ChildStream{Kind::null}; }
    /// A pipe to or from the `Child` object.
    static constexpr ChildStream pipe() noexcept { return ChildStream{Kind::pipe}; }
    /// That descriptor, which stays the caller's: a file, a socket. One that does not block, as
    /// those of `Socket`, does not block in the child either, and few programs expect that.
    static constexpr ChildStream descriptor(int fd) noexcept {
        return ChildStream{Kind::descriptor, fd};
    }
    /// Errors go where the output goes. Only for `ChildOptions::errors`.
    static constexpr ChildStream output() noexcept { return ChildStream{Kind::output}; }

    constexpr Kind kind() const noexcept { return kind_; }
    constexpr int fd() const noexcept { return fd_; }

private:
    explicit constexpr ChildStream(Kind kind, int fd = -1) noexcept : kind_{kind}, fd_{fd} {}

    Kind kind_;
    int fd_;
};

/// Which program, and how it is started.
struct ChildOptions {
    /// The first is the program, looked up in this process's PATH when it has no slash. No shell
    /// looks at any of them.
    std::vector<std::string> arguments;
    /// "NAME=value", all of them; none given: this process's.
    std::optional<std::vector<std::string>> environment{};
    /// Where it starts; empty: here. A program with a slash in its name is looked for from there.
    std::string directory{};

    ChildStream input = ChildStream::inherit();
    ChildStream output = ChildStream::inherit();
    ChildStream errors = ChildStream::inherit();

    /// Leaves open in the child what this process has open and not marked close-on-exec. Otherwise
    /// it has the three standard streams and no more.
    bool keep_descriptors = false;
    /// How many bytes for the child may wait here.
    std::size_t input_limit = std::size_t{1} << 20; // 1 MiB
};

/// What is called for a child, on the loop's thread. Each may be empty, may destroy the child, and
/// may throw: the exception leaves `EventLoop::run`.
struct ChildHandlers {
    /// It wrote that. The bytes are valid until this returns, and lie in `EventLoop::scratch`.
    /// Where this is empty all is read and thrown away.
    UniqueFunction<void(ByteView)> on_output{};
    /// The same of its errors.
    UniqueFunction<void(ByteView)> on_errors{};
    /// Nothing waits any more, after `write` had to let some wait: all is written (also when
    /// `close_input` was called meanwhile), or the child has closed its input.
    Task on_drain{};
    /// It has ended, and all that it wrote was delivered. Called exactly once; while output is
    /// paused it waits, if there is some. Others may have the pipes still (see `on_done`): what
    /// they write is delivered too.
    UniqueFunction<void(const ExitStatus&)> on_exit{};
    /// It is over: it has ended, nobody has the other ends of its output and errors any more, and
    /// nothing waits for its input, which is closed now. The last call, exactly once, after
    /// `on_exit`. A process that the child left behind puts it off, for ever where it serves on:
    /// who does not want that destroys the child in `on_exit`.
    Task on_done{};
};

/// A process started by this one, with its standard streams as pipes of the loop where wanted, and
/// its end as an event (pidfd_open(2)). No handler of SIGCHLD is needed or installed, and other
/// processes of the program are never waited for.
///
///     Child sorter{loop,
///                  {.arguments = {"sort"},
///                   .input = ChildStream::pipe(),
///                   .output = ChildStream::pipe()},
///                  {.on_output = [](ByteView bytes) { … },
///                   .on_exit = [&](const ExitStatus&) { loop.stop(); }}};
///     sorter.write("b\na\n");
///     sorter.close_input();
///
/// The process begins with no signal blocked and all signals at their default (also those that
/// were ignored, as SIGPIPE often is and SIGHUP under nohup(1)), whatever this process does with
/// them: see `SignalWatch`. Its ends of the pipes block, as programs expect.
///
/// A program that ignores SIGCHLD, or waits for any child (waitpid(2) with -1), takes the status
/// away: everything else works, and the status is `ExitStatus::How::unknown`.
///
/// fork(2): the process belongs to the one that started it. In a forked one the object is dead:
/// nothing is called, `write` and `signal` give false, and destroying it harms nobody. Destroy it
/// there: a pipe for input ends only when all have closed it.
///
/// All on the loop's thread, and the loop must outlive it. Moving keeps the process; of an object
/// that was moved from only the destructor and assignment are left.
class Child {
public:
    /// Starts the program, and returns when it runs (posix_spawn(3)). Throws `std::system_error`
    /// that names the program when it cannot be run (ENOENT, EACCES; ENOENT of the directory
    /// too), when the kernel refuses a process or a pipe (EAGAIN, EMFILE, ENOMEM) or has no
    /// pidfd_open (ENOSYS; Linux 5.4 is needed), or the loop the descriptors (`EventLoop::watch`);
    /// a process that was started then is killed. Throws `std::invalid_argument` when there are
    /// no arguments, a text has a zero in it, or a stream is what it cannot be.
    Child(EventLoop& loop, const ChildOptions& options, ChildHandlers handlers);

    /// Kills the process with SIGKILL if it runs, and waits for its end: that comes at once, unless
    /// the kernel holds it in a call that no signal breaks (a dead network disk) or has gigabytes
    /// to give back. No zombie is left, and nothing is called. To let it end in peace wait for
    /// `on_exit`. Processes that it has started itself are not killed. One that may not be killed,
    /// because it became another user (EPERM), is left alone and not waited for: when it ends it
    /// stays as a zombie until this process ends.
    ~Child();
    Child(Child&&) noexcept;
    Child& operator=(Child&&) noexcept;

    /// Its number. When it has ended, somebody else may have that.
    pid_t pid() const noexcept;
    /// Whether its end has not been noticed yet.
    bool running() const noexcept;

    /// Sends a signal to the process, and never to another one that has got its number
    /// (pidfd_send_signal(2)). False: it has ended. Throws `std::system_error` (EINVAL, EPERM).
    bool signal(int number);

    /// Writes to its input; what the pipe does not take waits here. False, and nothing is taken:
    /// the input is not open; or more than `ChildOptions::input_limit` would wait if the pipe took
    /// nothing: go on at `on_drain` (what is longer than the limit is never taken). SIGPIPE is not
    /// raised. Throws std::bad_alloc, and as `Watch::resume`: the input is closed then, and what
    /// waited is lost, since a part may have been written.
    bool write(ByteView bytes);
    bool write(std::string_view text) { return write(bytes_of(text)); }
    /// How many bytes wait here.
    std::size_t unsent() const noexcept;
    /// The child sees the end of its input after all that waits. Nothing can be written after this.
    void close_input() noexcept;
    /// Whether `write` makes sense: the input is a pipe, was not closed here, and as far as is
    /// known not by the child (EPIPE).
    bool input_open() const noexcept;

    /// Neither output nor errors are read until `resume_output`: the child is held up when the
    /// pipes are full.
    void pause_output();
    /// Throws as `Watch::resume`.
    void resume_output();

private:
    struct State;
    std::shared_ptr<State> state_;
};

} // namespace pollux
