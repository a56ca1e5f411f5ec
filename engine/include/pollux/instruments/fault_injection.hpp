#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <pollux/instruments/fault_plan.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace pollux {

/// How often a call was made in reach of a plan: as rules count, whatever their fault.
struct CallsInReach {
    std::string_view name; ///< "accept4", "new".
    std::uint64_t made;
};

/// While it lives, what the library does goes wrong as its plan says, on all threads. Others may be
/// making calls when it begins and when it ends. Of several the latest alone is in force; they end
/// in the reverse order. In force together with a `CallHook`, which is asked too: what the later
/// one decides counts.
class FaultInjection {
public:
    /// An empty plan only counts.
    explicit FaultInjection(FaultPlan plan);
    ~FaultInjection();
    FaultInjection(const FaultInjection&) = delete;
    FaultInjection& operator=(const FaultInjection&) = delete;

    /// While one lives, the calls and allocations of this thread are neither counted nor harmed, by
    /// any injection.
    class Pause {
    public:
        Pause() noexcept;
        ~Pause();
        Pause(const Pause&) = delete;
        Pause& operator=(const Pause&) = delete;
    };

    /// The same for all threads. It may begin and end while they are at work: what one of them has
    /// begun is as it was decided.
    class Truce {
    public:
        Truce() noexcept;
        ~Truce();
        Truce(const Truce&) = delete;
        Truce& operator=(const Truce&) = delete;
    };

    const FaultPlan& plan() const noexcept;
    /// How many faults there have been.
    std::size_t injected() const;
    /// They, in their order, as a plan that does exactly this in a run that makes the same calls:
    /// what was drawn is written out. Of callbacks, the calls are named: `accept4@3=callback`.
    std::string log() const;
    /// What was called so far, by kind; kinds never used are left out.
    std::vector<CallsInReach> calls() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace pollux
