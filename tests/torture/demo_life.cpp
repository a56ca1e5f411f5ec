#include "torture/demo_life.hpp"

#include "demo_programs/demo_programs.hpp"
#include "torture/plain_client.hpp"
#include "torture/threads_at_rest.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <iostream>
#include <pollux/instruments/call_hook.hpp>
#include <pthread.h>
#include <streambuf>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>

namespace pollux_test {
namespace {

using namespace pollux;

// What a program says, kept without memory of the heap.
class Said final : std::streambuf {
public:
    explicit Said(std::ostream& stream) : stream_{stream}, before_{stream.rdbuf(this)} {
        setp(text_.data(), text_.data() + text_.size());
        stream.clear();
    }
    ~Said() override { stream_.rdbuf(before_); }
    Said(const Said&) = delete;
    Said& operator=(const Said&) = delete;
    std::string_view text() const { return {pbase(), static_cast<std::size_t>(pptr() - pbase())}; }

private:
    std::ostream& stream_;
    std::streambuf* before_;
    std::array<char, 8192> text_{};
};

// What is written to standard output.
class Printed {
public:
    Printed()
        : before_{::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)},
          file_{::memfd_create("printed", MFD_CLOEXEC)} {
        ::dup2(file_.get(), STDOUT_FILENO);
    }
    ~Printed() { ::dup2(before_.get(), STDOUT_FILENO); }
    Printed(const Printed&) = delete;
    Printed& operator=(const Printed&) = delete;

    /// Since this was asked last.
    std::string take() {
        std::string text(65536, '\0');
        const ssize_t count = ::pread(file_.get(), text.data(), text.size(), taken_);
        text.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
        taken_ += static_cast<off_t>(text.size());
        return text;
    }

private:
    Fd before_;
    Fd file_;
    off_t taken_ = 0;
};

// A SIGTERM that nobody has heard any more is taken away.
class TermHeld {
public:
    TermHeld() {
        ::sigemptyset(&term_);
        ::sigaddset(&term_, SIGTERM);
        ::pthread_sigmask(SIG_BLOCK, &term_, &before_);
    }
    ~TermHeld() {
        const timespec at_once{};
        while (::sigtimedwait(&term_, nullptr, &at_once) > 0) {
        }
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    TermHeld(const TermHeld&) = delete;
    TermHeld& operator=(const TermHeld&) = delete;

private:
    sigset_t term_{};
    sigset_t before_{};
};

bool is_wait(std::string_view call) {
    return call == "epoll_wait" || call == "epoll_pwait2" || call == "ppoll" || call == "pselect" ||
           call == "io_uring_enter";
}

class Life {
public:
    Life(Trial& trial, const DemoJob& job)
        : trial_{trial}, job_{job}, address_{own_address("demo")} {}

    void live() {
        const TermHeld held;
        const std::vector<std::string> options = all_options();
        const Said out{std::cout};
        const Said errors{std::cerr};
        int status = -1;
        {
            const CallHook hook{[this](const CallPoint& call) {
                on_call(call);
                return CallOutcome{};
            }};
            parsing_.emplace(FaultPlan{});
            trial_.act([&] { status = run_demo(job_.program, options); });
            trial_.go_on();
            parsing_.reset();
        }
        if (status > 0) trial_.report(errors.text());
        if (status == 0) take_statistics(errors.text());
        trial_.expect(step_ == Step::over || (status > 0 && !has_waited()),
                      "it serves until it is told to end");
        trial_.right(right_);
    }

private:
    enum class Step : std::uint8_t { parsing, serving, serving_another, over };

    std::vector<std::string> all_options() const {
        std::vector<std::string> options = job_.options;
        for (const std::string_view word :
             {std::string_view{"--backend"}, to_string(trial_.mode.backend),
              std::string_view{"--trigger"}, to_string(trial_.mode.trigger),
              std::string_view{"--stats"}, std::string_view{"--host"}})
            options.emplace_back(word);
        options.push_back(address_.to_string());
        return options;
    }

    void on_call(const CallPoint& call) {
        if (call.name == "new" || std::this_thread::get_id() != main_) return;
        // What other threads do they do between two calls of this one: the same each time.
        if (has_threads_) wait_until_others_sleep();
        if (call.name == "pthread_create") has_threads_ = true;
        if (step_ == Step::parsing) {
            parsing_.reset();
            step_ = Step::serving;
        }
        if (!is_wait(call.name)) return;
        count_turn();
        while (step_ != Step::over && step()) next();
    }

    // Of the last wait: if it found nothing, the time has passed.
    void count_turn() {
        const Clock::time_point now = Clock::now();
        const bool idle = now > last_wait_;
        last_wait_ = now;
        if (!trial_.took_turn(idle)) leave(); // the second time it is at once
    }

    bool step() {
        if (!crowd_) crowd_ = job_.crowd(address_);
        return crowd_->step();
    }

    void next() {
        const std::string printed = printed_.take();
        const bool served = crowd_->served() && printed == job_.printed;
        for (int left = crowd_->told(); left > 0; --left) trial_.report("the client was told");
        crowd_.reset();
        if (step_ == Step::serving) {
            right_ = served;
            trial_.rest();
            step_ = Step::serving_another;
            return;
        }
        trial_.expect(served, "the next client is served");
        trial_.go_on();
        step_ = Step::over;
        leave();
    }

    bool has_waited() const { return last_wait_ != Clock::time_point::max(); }

    static void leave() { std::raise(SIGTERM); } // to this thread

    // `stats accepted=3 … shed=1 closed.peer=2 closed.error=1 rejected.bad-name=1`
    void take_statistics(std::string_view line) {
        while (!line.empty()) {
            const std::string_view word = line.substr(0, line.find_first_of(" \n"));
            line.remove_prefix(std::min(line.size(), word.size() + 1));
            trial_.expect(!word.starts_with("closed.idle=") &&
                              !word.starts_with("closed.deadline="),
                          "no client is forgotten");
            if (!tells_of_error(word)) continue;
            int count = 0;
            const std::size_t number = word.find('=') + 1;
            std::from_chars(word.data() + number, word.data() + word.size(), count);
            for (; count > 0; --count) trial_.report(word);
        }
    }
    static bool tells_of_error(std::string_view word) {
        return word.starts_with("shed=") || word.starts_with("rejected.") ||
               (word.starts_with("closed.") && !word.starts_with("closed.peer=") &&
                !word.starts_with("closed.closed="));
    }

    Trial& trial_;
    const DemoJob& job_;
    const Address address_;
    const std::thread::id main_ = std::this_thread::get_id();
    Step step_ = Step::parsing;
    Printed printed_;
    std::optional<FaultInjection> parsing_; // of nothing: its options are not what is tortured
    std::unique_ptr<Crowd> crowd_;
    bool right_ = false;
    bool has_threads_ = false;
    Clock::time_point last_wait_ = Clock::time_point::max();
};

} // namespace

void serve_demo(Trial& trial, const DemoJob& job) { Life{trial, job}.live(); }

} // namespace pollux_test
