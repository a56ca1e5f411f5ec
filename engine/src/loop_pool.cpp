#include <pollux/loop_pool.hpp>

#include <atomic>
#include <cassert>
#include <cerrno>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <pollux/error.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "cpu_affinity.hpp"
#include "last_call.hpp"
#include "pool_failure.hpp"
#include "post_place.hpp"
#include "process_mark.hpp"
#include "thread_group.hpp"

namespace pollux {
namespace {

// What threads wait for. A `done` that nobody has called may outlive the pool, so this does too.
struct Board {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<bool> ended; // by place
    std::size_t running = 0;
    std::exception_ptr first_failure;
};

// One `await`. Everything is guarded by the board's mutex.
struct Call {
    enum class Outcome : std::uint8_t { none, done, dropped };

    void settle(Outcome with) noexcept {
        const std::lock_guard lock{board->mutex};
        if (outcome != Outcome::none) return;
        outcome = with;
        board->changed.notify_all();
    }
    // False: the loop has ended, and who waited has gone.
    bool start(std::size_t place) {
        const std::lock_guard lock{board->mutex};
        begins = !board->ended[place];
        return begins;
    }
    void started(std::exception_ptr thrown) noexcept {
        const std::lock_guard lock{board->mutex};
        begins = false;
        failure = std::move(thrown);
        board->changed.notify_all();
    }
    // What `begin` refers to stands on the stack of who waits: not before it has returned.
    bool settled() const noexcept {
        return !begins && (outcome != Outcome::none || failure != nullptr);
    }

    std::shared_ptr<Board> board;
    Outcome outcome = Outcome::none;
    bool begins = false;
    std::exception_ptr failure;
};

// The `done` of an `await`.
class Ticket {
public:
    explicit Ticket(std::shared_ptr<Call> call) noexcept : call_{std::move(call)} {}
    Ticket(Ticket&&) noexcept = default;
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket() {
        if (call_ != nullptr) call_->settle(Call::Outcome::dropped);
    }
    void operator()() noexcept { call_->settle(Call::Outcome::done); }

private:
    std::shared_ptr<Call> call_;
};

} // namespace

struct LoopPool::State {
    struct Member {
        Member(State& of, std::size_t number, const LoopPoolOptions& options)
            : state{of}, place{number}, loop{options.backend, options.loop} {}

        // The body of its thread.
        void work() noexcept {
            thread = std::this_thread::get_id();
            std::exception_ptr failure;
            try {
                loop.run();
            } catch (...) {
                failure = std::current_exception();
            }
            thread = std::thread::id{};
            state.ended(*this, std::move(failure));
        }

        State& state;
        std::size_t place;
        EventLoop loop;
        std::atomic<std::thread::id> thread;
    };

    explicit State(const LoopPoolOptions& options) {
        std::vector<std::size_t> cpus;
        if (options.pinned || options.loops == 0) cpus = allowed_cpus();
        const std::size_t wanted = options.loops != 0 ? options.loops : cpus.size();
        while (members.size() < wanted)
            members.push_back(std::make_unique<Member>(*this, members.size(), options));
        board->ended.assign(wanted, false);
        board->running = wanted;
        threads.emplace(wanted, "loops");
        try {
            for (const auto& member : members) {
                const pthread_t thread = threads->start(*member);
                if (options.pinned) pin(thread, cpus[member->place % cpus.size()]);
            }
        } catch (...) {
            end();
            throw;
        }
    }
    ~State() { end(); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    void stop() noexcept { stop_all_but(nullptr); }

    // Once: a loop that has ended may be somebody else's by now.
    void stop_all_but(const Member* one) noexcept {
        if (stopping.exchange(true)) return;
        for (const auto& member : members)
            if (member.get() != one) member->loop.stop();
    }

    void end() noexcept {
        stop();
        threads->join();
    }

    void ended(const Member& one, std::exception_ptr failure) noexcept {
        stop_all_but(&one);
        UniqueFunction<void()> told;
        std::unique_lock lock{board->mutex};
        if (board->first_failure == nullptr) board->first_failure = std::move(failure);
        if (board->first_failure != nullptr) told = std::move(on_failure);
        lock.unlock();
        if (told) told();
        lock.lock();
        board->ended[one.place] = true;
        --board->running;
        board->changed.notify_all();
    }

    void check_process(const char* operation) const {
        if (!process.is_current())
            throw std::logic_error{std::string{"LoopPool::"} + operation +
                                   ": this pool belongs to the parent process"};
    }
    void check_outside(const char* operation) const {
        for (const auto& member : members)
            if (member->thread == std::this_thread::get_id())
                throw std::logic_error{std::string{"LoopPool::"} + operation +
                                       ": called on a thread of the pool, which it would wait for"};
    }

    const ProcessMark process;
    const std::shared_ptr<Board> board = std::make_shared<Board>();
    std::vector<std::unique_ptr<Member>> members;
    std::atomic<std::size_t> next{0};
    std::atomic<bool> stopping{false};
    UniqueFunction<void()> on_failure; // guarded by the board's mutex
    std::optional<ThreadGroup> threads;
};

LoopPool::LoopPool(LoopPoolOptions options) : state_{std::make_unique<State>(options)} {}

// In a child nobody is there to be joined, and a thread of the parent may have held a mutex.
LoopPool::~LoopPool() {
    if (!state_->process.is_current()) static_cast<void>(state_.release());
}

std::size_t LoopPool::size() const noexcept { return state_->members.size(); }

EventLoop& LoopPool::loop(std::size_t place) noexcept {
    assert(place < size());
    return state_->members[place]->loop;
}

EventLoop& LoopPool::next() noexcept {
    return loop(state_->next.fetch_add(1, std::memory_order_relaxed) % size());
}

bool LoopPool::runs_here(std::size_t place) const noexcept {
    assert(place < size());
    return state_->members[place]->thread == std::this_thread::get_id();
}

namespace {

// Puts `begin` on the loop, and waits.
bool begin_and_wait(const std::shared_ptr<Board>& board, EventLoop& loop, std::size_t place,
                    UniqueFunction<void(EventLoop&, Task)> begin) {
    const auto call = std::make_shared<Call>();
    call->board = board;
    loop.post([&loop, &begin, place, call] {
        if (!call->start(place)) return;
        std::exception_ptr failure;
        try {
            begin(loop, Ticket{call});
        } catch (...) {
            failure = std::current_exception();
        }
        call->started(std::move(failure));
    });
    std::unique_lock lock{board->mutex};
    board->changed.wait(lock, [&] { return call->settled() || board->ended[place]; });
    if (call->failure != nullptr) std::rethrow_exception(std::exchange(call->failure, nullptr));
    return call->outcome == Call::Outcome::done;
}

} // namespace

bool LoopPool::await(std::size_t place, UniqueFunction<void(EventLoop&, Task)> begin) {
    state_->check_process("await");
    state_->check_outside("await");
    return begin_and_wait(state_->board, loop(place), place, std::move(begin));
}

void LoopPool::call_or_throw(std::size_t place, UniqueFunction<void(EventLoop&)> work) {
    state_->check_process("call");
    if (runs_here(place)) return work(loop(place));
    const bool called =
        begin_and_wait(state_->board, loop(place), place, [&work](EventLoop& loop, Task done) {
            work(loop);
            done();
        });
    if (!called)
        throw_system_error(ECANCELED, "LoopPool::call",
                           "loop " + std::to_string(place) + ", which has ended");
}

struct LastCall::State {
    State(LoopPool& of, std::size_t on) : pool{of}, place{on} {}

    LoopPool& pool;
    std::size_t place;
    Call call;
    PostPlace way;
    UniqueFunction<void()> work;
};

LastCall::LastCall(LoopPool& pool, std::size_t place)
    : state_{std::make_shared<State>(pool, place)} {
    state_->call.board = pool.state_->board;
}

LastCall::LastCall(LastCall&&) noexcept = default;
LastCall& LastCall::operator=(LastCall&&) noexcept = default;
LastCall::~LastCall() = default;

// NOLINTNEXTLINE(bugprone-exception-escape): what would leave here is to end the program
void LastCall::make(UniqueFunction<void()> work) noexcept {
    State& state = *state_;
    state.pool.state_->check_outside("call");
    state.work = std::move(work);
    state.way.post(state.pool.loop(state.place), [kept = state_] {
        if (!kept->call.start(kept->place)) return;
        kept->work();
        kept->call.settle(Call::Outcome::done);
        kept->call.started(nullptr);
    });
    Board& board = *state.call.board;
    std::unique_lock lock{board.mutex};
    board.changed.wait(lock, [&] { return state.call.settled() || board.ended[state.place]; });
    lock.unlock();
    if (!state.call.settled()) state.work();
    state.work = {};
}

void tell_failure(LoopPool& pool, UniqueFunction<void()> told) {
    Board& board = *pool.state_->board;
    {
        const std::lock_guard lock{board.mutex};
        if (board.first_failure == nullptr) {
            pool.state_->on_failure = std::move(told);
            return;
        }
    }
    told();
}

std::vector<LastCall> last_calls(LoopPool& pool) {
    std::vector<LastCall> calls;
    for (std::size_t place = 0; place < pool.size(); ++place) calls.emplace_back(pool, place);
    return calls;
}

void LoopPool::stop() noexcept { state_->stop(); }

void LoopPool::wait() {
    state_->check_process("wait");
    state_->check_outside("wait");
    const auto board = state_->board;
    std::unique_lock lock{board->mutex};
    board->changed.wait(lock, [&] { return board->running == 0; });
    if (board->first_failure != nullptr) std::rethrow_exception(board->first_failure);
}

} // namespace pollux
