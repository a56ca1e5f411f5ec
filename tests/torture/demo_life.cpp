#include "torture/demo_life.hpp"

#include "demo_programs/demo_programs.hpp"
#include "torture/plain_client.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <iostream>
#include <pollux/instruments/call_hook.hpp>
#include <pthread.h>
#include <streambuf>
#include <thread>

namespace pollux_test {
namespace {

using namespace pollux;

constexpr int most_waits = 5000;

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
    return call == "epoll_wait" || call == "epoll_pwait2" || call == "ppoll" || call == "pselect";
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
        trial_.expect(status != 0 || step_ == Step::over, "it ends when it is told to");
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
        if (step_ == Step::parsing) {
            parsing_.reset();
            step_ = Step::serving;
        }
        if (!is_wait(call.name)) return;
        if (++waits_ == most_waits) {
            trial_.expect(false, "it does not wait for ever");
            leave();
            leave();
        }
        while (step_ != Step::over && step()) next();
    }

    bool step() {
        if (!crowd_) crowd_ = job_.crowd(address_);
        return crowd_->step();
    }

    void next() {
        const bool served = crowd_->served();
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

    static void leave() { ::pthread_kill(::pthread_self(), SIGTERM); }

    // `stats accepted=3 … shed=1 closed.peer=2 closed.error=1 rejected.bad-name=1`
    void take_statistics(std::string_view line) {
        while (!line.empty()) {
            const std::string_view word = line.substr(0, line.find_first_of(" \n"));
            line.remove_prefix(std::min(line.size(), word.size() + 1));
            if (!tells_of_error(word)) continue;
            int count = 0;
            const std::size_t number = word.find('=') + 1;
            std::from_chars(word.data() + number, word.data() + word.size(), count);
            for (; count > 0; --count) trial_.report(word);
        }
    }
    static bool tells_of_error(std::string_view word) {
        return word.starts_with("shed=") ||
               (word.starts_with("closed.") && !word.starts_with("closed.peer=") &&
                !word.starts_with("closed.closed="));
    }

    Trial& trial_;
    const DemoJob& job_;
    const Address address_;
    const std::thread::id main_ = std::this_thread::get_id();
    Step step_ = Step::parsing;
    std::optional<FaultInjection> parsing_; // of nothing: its options are not what is tortured
    std::unique_ptr<Crowd> crowd_;
    bool right_ = false;
    int waits_ = 0;
};

} // namespace

void serve_demo(Trial& trial, const DemoJob& job) { Life{trial, job}.live(); }

} // namespace pollux_test
