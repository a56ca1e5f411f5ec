#include "demo_run.hpp"

#include "demo_programs/demo_programs.hpp"

#include <array>
#include <csignal>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

using namespace pollux;

namespace pollux_test {
namespace {

constexpr std::string_view listening = "listening on 127.0.0.1:7777\n";

// What the program says on its standard error; empty unless something is wrong.
class Complaints {
public:
    Complaints() : before_{std::cerr.rdbuf(text_.rdbuf())} {}
    ~Complaints() { std::cerr.rdbuf(before_); }
    Complaints(const Complaints&) = delete;
    Complaints& operator=(const Complaints&) = delete;
    std::string text() const { return text_.str(); }

private:
    std::ostringstream text_;
    std::streambuf* before_;
};

// The signals that the program blocks for its SignalWatch, and those it ignores, are as before.
class SignalsAsBefore {
public:
    SignalsAsBefore() {
        ::pthread_sigmask(SIG_SETMASK, nullptr, &mask_);
        for (std::size_t i = 0; i < numbers.size(); ++i)
            ::sigaction(numbers.at(i), nullptr, &actions_.at(i));
    }
    ~SignalsAsBefore() {
        for (std::size_t i = 0; i < numbers.size(); ++i)
            ::sigaction(numbers.at(i), &actions_.at(i), nullptr);
        ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
    }
    SignalsAsBefore(const SignalsAsBefore&) = delete;
    SignalsAsBefore& operator=(const SignalsAsBefore&) = delete;

private:
    static constexpr std::array numbers{SIGPIPE, SIGTTIN};
    sigset_t mask_{};
    std::array<struct sigaction, numbers.size()> actions_{};
};

std::vector<std::string> options_of(const Mode& mode, const DemoCase& demo) {
    std::vector<std::string> options{"--port",    "7777",
                                     "--backend", std::string{to_string(mode.backend)},
                                     "--trigger", std::string{to_string(mode.trigger)}};
    options.insert(options.end(), demo.options.begin(), demo.options.end());
    return options;
}

} // namespace

StandardFile::StandardFile(int standard, std::string_view content)
    : standard_{standard},
      before_{::dup(standard)},
      file_{::memfd_create("standard", MFD_CLOEXEC)} {
    std::cout.flush(); // what was written before goes where it was meant to go
    ::dup2(file_.get(), standard_);
    rewrite(content);
}

StandardFile::~StandardFile() { ::dup2(before_.get(), standard_); }

void StandardFile::rewrite(std::string_view content) {
    const bool is_done = ::ftruncate(file_.get(), 0) == 0 &&
                         ::lseek(file_.get(), 0, SEEK_SET) == 0 &&
                         ::write(file_.get(), content.data(), content.size()) ==
                             static_cast<ssize_t>(content.size()) &&
                         ::lseek(file_.get(), 0, SEEK_SET) == 0;
    if (!is_done) throw std::runtime_error{"cannot write a file in memory"};
}

std::string StandardFile::content() const {
    std::string all(static_cast<std::size_t>(::lseek(file_.get(), 0, SEEK_CUR)), '\0');
    const ssize_t count = ::pread(file_.get(), all.data(), all.size(), 0);
    if (count != static_cast<ssize_t>(all.size()))
        throw std::runtime_error{"cannot read a file in memory"};
    return all;
}

void check_demo(const Mode& mode, const DemoCase& demo, SimulationOptions options,
                const ExploreOptions& explore) {
    StandardFile input{STDIN_FILENO};
    std::function<void()> idle; // of the run that is under way
    options.on_idle = [&] { idle(); };

    const auto trial = [&](Simulation& simulation, Choices& choices) {
        input.rewrite(demo.typed);
        const StandardFile output{STDOUT_FILENO};
        const Complaints complaints;
        const SignalsAsBefore signals;
        Clients clients{simulation, choices};
        // First it waits for clients; when it waits again, and they are done, it may end.
        idle = [&] {
            if (!clients.have_begun())
                demo.clients(clients, simulation);
            else if (clients.all_done())
                simulation.raise(SIGTERM);
        };
        const int status = run_demo(demo.name, options_of(mode, demo));
        if (demo.after) demo.after();
        clients.check();
        expect(status == 0, complaints.text());
        std::cout.flush();
        const std::string printed = output.content();
        expect(printed.starts_with(listening), "it says where it listens: " + printed);
        const std::string rest = printed.substr(listening.size());
        if (demo.prints) expect(rest == *demo.prints, "it printed: " + rest);
        if (demo.check) demo.check(rest);
    };
    check_all(mode, explore, in_simulation(options, trial));
}

} // namespace pollux_test
