#pragma once

// All there is in a simulation: descriptors, time, what is under way, who else acts.

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <pollux/instruments/simulation.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "instruments/network.hpp"
#include "instruments/open_file.hpp"

namespace pollux::simulated {

using Time = std::chrono::nanoseconds;

/// Something under way that arrives later.
class Flow {
public:
    virtual ~Flow() = default;
    /// Whether a part of it could arrive now.
    virtual bool can_arrive() const = 0;
    /// A part of it arrives.
    virtual void arrive() = 0;
    /// Nothing of it is left.
    virtual bool is_over() const = 0;
};

class World {
public:
    World(Choices& choices, SimulationOptions options);
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    // --- what varies
    std::size_t choose(std::string_view what, std::size_t number);
    std::size_t part(std::string_view what, std::size_t size) {
        return choose_part(choices_, what, size);
    }
    bool odd(bool varies, std::string_view what) { return varies && choose(what, 2) == 1; }

    // --- files
    template <class File, class... Arguments> File& make(Arguments&&... arguments) {
        auto made = std::make_unique<File>(*this, std::forward<Arguments>(arguments)...);
        File& file = *made;
        files_.push_back(std::move(made));
        return file;
    }
    /// Something that goes on after the call that began it.
    template <class Kept> Kept& keep(Kept kept) {
        auto made = std::make_unique<Kept>(std::move(kept));
        Kept& flow = *made;
        flows_.push_back(std::move(made));
        return flow;
    }
    /// A descriptor, the lowest that is free from `from` on; or -EMFILE.
    Result open(OpenFile& file, int from = 0);
    bool has_descriptor() const noexcept;
    OpenFile* at(int fd) const noexcept;
    Result close(int fd);
    bool is_ours(int fd) const noexcept { return fd >= options.first_descriptor; }
    /// Above every number that was ever open, by the steps in which Linux' table grows: select(2)
    /// skips it.
    bool is_beyond_table(int fd) const noexcept;
    const std::vector<OpenFile*>& table() const noexcept { return table_; }

    // --- others
    void under_way(Flow& flow);
    void deliver_all();
    /// Before a call of the program: others may act.
    void let_others_act();
    /// Until `ready` says so (1), the time is over (0), or -EINTR, -EDEADLK, -ETIME. No timeout:
    /// for ever.
    Result wait(std::optional<Time> timeout, const std::function<bool()>& ready);
    /// For a call on a descriptor that blocks.
    Result wait(const std::function<bool()>& ready) { return wait(std::nullopt, ready); }

    /// A signal for the program.
    void raise(int signal);

    // --- the story
    void note(std::string text);
    void record(const char* call, int fd, Result result);
    std::string story(std::size_t lines) const;

    const SimulationOptions options;
    Network network{*this};
    Time now = std::chrono::hours{1};
    std::vector<Actor*> actors;
    std::set<int> signals; // raised, and nobody has read them
    std::uint64_t calls = 0;
    bool deadlocked = false;
    bool endless = false;
    std::exception_ptr thrown; // by an actor or `on_idle`, the first time

private:
    struct Line {
        const char* call = nullptr; // null: a note
        int fd = -1;
        Result result = 0; // of a note: its number
        Time when{};
    };
    struct Candidates {
        std::vector<Flow*> flows;
        std::vector<Actor*> actors;
        std::size_t size() const noexcept { return flows.size() + actors.size(); }
    };

    const Candidates& candidates();
    void act(std::size_t which);
    /// Calls what others wrote: system calls throw nothing, so what it throws is kept.
    template <class Call> void call_others(Call call) noexcept;
    bool pass_time(std::optional<Time> until);
    std::optional<Time> next_due(std::optional<Time> until) const;

    Choices& choices_;
    std::vector<std::unique_ptr<OpenFile>> files_;
    std::vector<std::unique_ptr<Flow>> flows_;
    std::vector<OpenFile*> table_;
    std::vector<Flow*> under_way_;
    Candidates candidates_;
    bool acting_ = false;
    std::vector<Line> lines_;
    std::vector<std::string> notes_;
};

} // namespace pollux::simulated
