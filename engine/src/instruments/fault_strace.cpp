// A fault plan in the words of strace(1), --inject.

#include <pollux/instruments/fault_plan.hpp>
#include <stdexcept>

#include "instruments/fault_reach.hpp"

namespace pollux {
namespace {

using Kind = Fault::Kind;

// The system call that glibc makes for it on x86-64; empty where there is none, or several.
std::string_view system_call_of(Call call) {
    switch (call) {
    case Call::open:
        return "openat";
    case Call::lstat:
        return "newfstatat";
    case Call::eventfd:
        return "eventfd2";
    case Call::signalfd:
        return "signalfd4";
    case Call::pthread_sigmask:
        return "rt_sigprocmask";
    case Call::pthread_create:
    case Call::posix_spawnp:
        return "clone3";
    case Call::pthread_setaffinity_np:
        return "sched_setaffinity";
    case Call::pselect:
        return "pselect6";
    case Call::recv:
        return "recvfrom";
    case Call::send:
        return "sendto";
    case Call::sigtimedwait:
        return "rt_sigtimedwait";
    case Call::fork:
        return "clone";
    case Call::pthread_join:
    case Call::clock_gettime:
    case Call::if_nametoindex:
    case Call::if_indextoname:
    case Call::getaddrinfo:
    case Call::getnameinfo:
    case Call::allocation:
        return {};
    default:
        return name_of(call);
    }
}

// Empty when it can.
std::string_view why_strace_cannot(const FaultRule& rule) {
    const std::optional<Call> call = find_call(rule.call);
    if (!call) return "counts each kind of call by itself";
    if (system_call_of(*call).empty()) return "sees no system call there";
    if (rule.fd >= 0) return "cannot tell descriptors apart";
    if (rule.percent < 100) return "draws nothing";
    if (rule.fault.kind == Kind::error && fails_when_made(*call, rule.fault.error))
        return "would not make the call that fails";
    switch (rule.fault.kind) {
    case Kind::any:
        return "draws nothing";
    case Kind::short_count:
        return "cannot cut a call short";
    case Kind::spurious:
        return "does not know what is asked";
    case Kind::callback:
        return "cannot call back";
    case Kind::error:
    case Kind::delay:
        break;
    }
    return {};
}

std::string when(const FaultRule& rule) {
    std::string text = ":when=" + std::to_string(rule.first);
    if (rule.last == rule.first) return text;
    const bool endless = rule.last == std::numeric_limits<std::uint64_t>::max();
    if (!endless) text += ".." + std::to_string(rule.last);
    if (endless || rule.step > 1) text += '+';
    if (rule.step > 1) text += std::to_string(rule.step);
    return text;
}

std::string injection(std::string_view system_call, const FaultRule& rule) {
    const Fault& fault = rule.fault;
    const auto delay = std::chrono::ceil<std::chrono::microseconds>(fault.delay);
    return " --inject=" + std::string{system_call} + ":" +
           (fault.kind == Kind::delay ? "delay_enter=" + std::to_string(delay.count())
                                      : "error=" + error_name(fault.error)) +
           when(rule);
}

} // namespace

std::string FaultPlan::strace() const {
    std::string traced;
    std::string injected;
    for (const FaultRule& rule : rules_) {
        if (const std::string_view why = why_strace_cannot(rule); !why.empty()) {
            FaultPlan alone;
            alone.add(rule);
            throw std::invalid_argument{"strace " + std::string{why} + ": " + alone.to_string()};
        }
        const std::string_view system_call = system_call_of(*find_call(rule.call));
        traced += (traced.empty() ? "--trace=" : ",") + std::string{system_call};
        injected += injection(system_call, rule);
    }
    return traced + injected;
}

} // namespace pollux
