#include <pollux/stream/child.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <pollux/error.hpp>
#include <pollux/stream/buffer.hpp>
#include <utility>

#include "stream/child_process.hpp"
#include "stream/spawn.hpp"
#include "sys.hpp"
#include "without_pipe_signal.hpp"

namespace pollux {
namespace {

// Output or errors of the child.
struct Source {
    Fd pipe;
    Watch watch;
    std::size_t owed = 0; // bytes in the pipe when the child ended

    void close() noexcept {
        watch.stop();
        pipe.reset();
        owed = 0;
    }
};

// How much there is to read.
std::size_t waiting_in(const Fd& pipe) noexcept {
    int count = 0;
    if (!pipe || sys::ioctl(pipe.get(), FIONREAD, &count) < 0) return 0;
    return static_cast<std::size_t>(count);
}

} // namespace

// What is called keeps it alive while it runs: a handler may destroy the child.
struct Child::State : std::enable_shared_from_this<State> {
    State(EventLoop& on, const ChildOptions& options, ChildHandlers called);

    void on_readable(Source& source);
    void on_writable();
    void on_ended();
    bool is_exit_due() const noexcept;
    bool is_done_due() const noexcept;
    void tell_when_due();
    void tell();

    bool write(ByteView bytes);
    std::size_t write_some(ByteView bytes);
    void drop_input() noexcept;
    void drop_all() noexcept;

    EventLoop& loop;
    ChildHandlers handlers;
    const std::size_t input_limit;
    Timer telling; // of the end, when nobody is being called

    std::array<Source, 2> sources; // output, errors

    Fd input;
    Watch input_watch; // paused while nothing waits
    Buffer unsent;
    bool input_ending = false; // closed here, when all is written

    std::optional<ChildProcess> process;
    Watch process_watch;
    std::optional<ExitStatus> status;
    bool told_exit = false;
    bool told_done = false;
};

// The timer comes first: a loop that cannot be used refuses it before anything is started.
Child::State::State(EventLoop& on, const ChildOptions& options, ChildHandlers called)
    : loop{on},
      handlers{std::move(called)},
      input_limit{options.input_limit},
      telling{loop.run_at(Clock::time_point::max(), [this] { tell(); })} {
    telling.cancel();
    Spawned spawned = spawn(options);
    process.emplace(spawned.pid, options.arguments.front());
    input = std::move(spawned.input);
    sources[0].pipe = std::move(spawned.output);
    sources[1].pipe = std::move(spawned.errors);
    for (Source& source : sources)
        if (source.pipe)
            source.watch = loop.watch(source.pipe.get(), Interest::read, Trigger::level,
                                      [this, &source](Readiness) { on_readable(source); });
    if (input) {
        input_watch = loop.watch(input.get(), Interest::write, Trigger::level,
                                 [this](Readiness) { on_writable(); });
        input_watch.pause();
    }
    if (process->fd() >= 0)
        process_watch = loop.watch(process->fd(), Interest::read, Trigger::level,
                                   [this](Readiness) { on_ended(); });
    else
        on_ended();
}

// --- output ----------------------------------------------------------------------------------

// What is to be told afterwards is noted before the handler is called, which may throw.
void Child::State::on_readable(Source& source) {
    if (!process->is_ours()) return drop_all();
    const auto kept = shared_from_this();
    const std::span<std::byte> into = loop.scratch();
    const ssize_t count = sys::read(source.pipe.get(), into.data(), into.size());
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) {
        source.close();
        return tell_when_due();
    }
    const auto size = static_cast<std::size_t>(count);
    source.owed -= std::min(source.owed, size);
    tell_when_due();
    auto& handler = &source == sources.data() ? handlers.on_output : handlers.on_errors;
    if (handler) handler(into.first(size));
}

// --- input -----------------------------------------------------------------------------------

bool Child::State::write(ByteView bytes) {
    if (!input || input_ending || !process->is_ours()) return false;
    if (bytes.size() > input_limit - std::min(input_limit, unsent.size())) return false;
    if (unsent.empty() && !bytes.empty()) bytes = bytes.subspan(write_some(bytes));
    if (!input) return false;
    if (bytes.empty()) return true;
    try {
        unsent.append(bytes);
        input_watch.resume();
    } catch (...) { // the child may have a part: who tried again would write that twice
        drop_input();
        tell_when_due();
        throw;
    }
    return true;
}

// Returns how much the pipe took. When the child has closed its input there is none afterwards.
std::size_t Child::State::write_some(ByteView bytes) {
    const WithoutPipeSignal quiet;
    const ssize_t count = sys::write(input.get(), bytes.data(), bytes.size());
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EAGAIN && errno != EINTR) drop_input();
    return 0;
}

void Child::State::on_writable() {
    if (!process->is_ours()) return drop_all();
    const auto kept = shared_from_this();
    unsent.consume(write_some(unsent.view()));
    if (!unsent.empty()) return;
    unsent.release();
    if (input_ending)
        drop_input();
    else if (input)
        input_watch.pause();
    tell_when_due();
    if (handlers.on_drain) handlers.on_drain();
}

void Child::State::drop_input() noexcept {
    input_watch.stop();
    input.reset();
    unsent.release();
}

// --- the end ---------------------------------------------------------------------------------

void Child::State::on_ended() {
    if (!process->is_ours()) return drop_all();
    status = process->take_status();
    if (!status) return;
    process_watch.stop();
    process->close();
    for (Source& source : sources) source.owed = waiting_in(source.pipe);
    tell_when_due();
}

bool Child::State::is_exit_due() const noexcept {
    return status && !told_exit && sources[0].owed == 0 && sources[1].owed == 0;
}

bool Child::State::is_done_due() const noexcept {
    return told_exit && !told_done && !sources[0].pipe && !sources[1].pipe && unsent.empty();
}

// By a timer: in the same turn, but when nobody else is being called.
void Child::State::tell_when_due() {
    if (is_exit_due() || is_done_due()) telling.run_at(Clock::time_point::min());
}

void Child::State::tell() {
    if (!process->is_ours()) return;
    const auto kept = shared_from_this();
    if (is_exit_due()) {
        told_exit = true;
        tell_when_due();
        if (handlers.on_exit) handlers.on_exit(*status);
    } else if (is_done_due()) {
        told_done = true;
        drop_input(); // or on_drain could come after the last call
        if (handlers.on_done) handlers.on_done();
    }
}

// Nothing is called after this.
void Child::State::drop_all() noexcept {
    telling = {};
    for (Source& source : sources) source.close();
    drop_input();
    process_watch.stop();
}

// --- the public side -------------------------------------------------------------------------

Child::Child(EventLoop& loop, const ChildOptions& options, ChildHandlers handlers)
    : state_{std::make_shared<State>(loop, options, std::move(handlers))} {}

Child::~Child() {
    if (state_ == nullptr) return;
    state_->drop_all();
    state_->process.reset();
}

Child::Child(Child&&) noexcept = default;

Child& Child::operator=(Child&& other) noexcept {
    Child former{std::move(other)}; // not so yet: moving to itself keeps it
    state_.swap(former.state_);
    return *this;
}

pid_t Child::pid() const noexcept { return state_->process->pid(); }
bool Child::running() const noexcept { return !state_->status; }
bool Child::signal(int number) { return state_->process->signal(number); }

bool Child::write(ByteView bytes) { return state_->write(bytes); }
std::size_t Child::unsent() const noexcept { return state_->unsent.size(); }
bool Child::input_open() const noexcept { return state_->input && !state_->input_ending; }

void Child::close_input() noexcept {
    state_->input_ending = true;
    if (state_->unsent.empty()) state_->drop_input();
}

void Child::pause_output() {
    for (Source& source : state_->sources)
        if (source.watch) source.watch.pause();
}

void Child::resume_output() {
    for (Source& source : state_->sources)
        if (source.watch) source.watch.resume();
}

} // namespace pollux
