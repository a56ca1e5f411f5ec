#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <pollux/instruments/fault_plan.hpp>
#include <stdexcept>
#include <utility>

#include "instruments/error_names.hpp"
#include "instruments/fault_reach.hpp"
#include "instruments/fault_text.hpp"

namespace pollux {
namespace {

using Kind = Fault::Kind;
using namespace std::chrono_literals;

constexpr std::uint64_t no_end = std::numeric_limits<std::uint64_t>::max();
constexpr std::pair<std::string_view, std::chrono::nanoseconds> units[]{
    {"s", 1s}, {"ms", 1ms}, {"us", 1us}, {"ns", 1ns}};

// Empty when nothing is wrong.
std::string complaint(const FaultRule& rule) {
    const std::optional<Call> call = find_call(rule.call);
    const bool any_wait = rule.call == "wait";
    const bool any_call = rule.call == "*";
    const Fault& fault = rule.fault;
    if (!call && !any_wait && !any_call) return "there is no call '" + rule.call + "'";
    if (rule.first == 0 || rule.last < rule.first || rule.step == 0)
        return "calls are counted from 1 upwards";
    if (!(rule.percent > 0) || rule.percent > 100) // "nan%" is not above 0 either
        return "a share is above 0% and at most 100%";
    if (rule.percent < 100 && (rule.first != 1 || rule.last != no_end || rule.step != 1))
        return "a share is of all calls";
    if (call == Call::allocation && fault.kind != Kind::any && fault.kind != Kind::callback &&
        (fault.kind != Kind::error || fault.error != ENOMEM))
        return "an allocation can only fail, with ENOMEM";
    if (fault.kind == Kind::short_count && !any_call && !(call && can_be_short(*call)))
        return rule.call + " moves nothing that could be short";
    if (fault.kind == Kind::short_count && fault.bytes == 0) return "nothing moved means the end";
    if (fault.kind == Kind::spurious && !any_call && !any_wait && !(call && can_be_spurious(*call)))
        return rule.call + " does not wait";
    if (fault.kind == Kind::any && call && errors_of(rule.call).empty())
        return rule.call + " cannot fail";
    if (fault.kind == Kind::error && fault.error == 0) return "0 is no error";
    if (fault.kind == Kind::error && fault.error < 0 && call != Call::getaddrinfo &&
        call != Call::getnameinfo)
        return error_name(fault.error) + " is an error of getaddrinfo and getnameinfo";
    if (fault.kind == Kind::delay && (fault.delay <= 0s || fault.delay > 1h))
        return "a delay takes more than nothing and at most an hour";
    if (fault.kind == Kind::callback && !fault.decide) return "there is nothing to call";
    return {};
}

class Parser {
public:
    explicit Parser(std::string_view line) : line_{line} {}

    FaultPlan plan() {
        FaultPlan plan;
        for (skip_blanks(); !at_end(); skip_blanks()) {
            if (take(";")) continue;
            if (take("seed="))
                plan.set_seed(number());
            else
                plan.add(rule());
            skip_blanks();
            if (!at_end() && !take(";")) refuse("';' is wanted before what follows");
        }
        return plan;
    }

private:
    bool at_end() const { return at_ == line_.size(); }
    void skip_blanks() { at_ = std::min(line_.find_first_not_of(' ', at_), line_.size()); }
    bool take(std::string_view text) {
        if (!line_.substr(at_).starts_with(text)) return false;
        at_ += text.size();
        return true;
    }
    void want(std::string_view text) {
        if (!take(text)) refuse("'" + std::string{text} + "' is wanted");
    }
    std::string_view word() {
        const std::size_t end =
            std::min(line_.find_first_not_of("abcdefghijklmnopqrstuvwxyz"
                                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_",
                                             at_),
                     line_.size());
        const std::string_view found = line_.substr(at_, end - at_);
        at_ = end;
        return found;
    }

    template <class Number> Number number() {
        Number number{};
        const char* const end = line_.data() + line_.size();
        const auto [rest, error] = std::from_chars(line_.data() + at_, end, number);
        if (error == std::errc::result_out_of_range) refuse("this number is too large");
        if (error != std::errc{}) refuse("a number is wanted");
        at_ = static_cast<std::size_t>(rest - line_.data());
        return number;
    }
    std::uint64_t number() { return number<std::uint64_t>(); }

    FaultRule rule() {
        const std::size_t start = at_;
        FaultRule rule;
        rule.call = take("*") ? "*" : word();
        if (take("[")) {
            rule.fd = number<int>();
            if (rule.fd < 0) refuse("no descriptor is negative");
            want("]");
        }
        if (rule.call.empty()) refuse("a call is wanted");
        want("@");
        which(rule);
        want("=");
        fault(rule.fault);
        const std::size_t end = at_;
        at_ = start;
        if (const std::string wrong = complaint(rule); !wrong.empty()) refuse(wrong);
        at_ = end;
        return rule;
    }

    void which(FaultRule& rule) {
        if (take("*")) return;
        const std::size_t start = at_;
        if (const auto share = number<double>(); take("%")) {
            rule.percent = share;
            return;
        }
        at_ = start;
        rule.first = number();
        const bool has_end = take("-");
        rule.last = has_end ? number() : rule.first;
        if (!take("+")) return;
        if (!has_end) rule.last = no_end;
        if (at_ < line_.size() && line_[at_] != '=') rule.step = number();
    }

    void fault(Fault& fault) {
        if (take("short:")) {
            fault.kind = Kind::short_count;
            fault.bytes = number<std::size_t>();
            return;
        }
        if (take("delay:")) {
            fault.kind = Kind::delay;
            fault.delay = duration();
            return;
        }
        const std::size_t start = at_;
        const std::string_view name = word();
        if (name == "spurious") {
            fault.kind = Kind::spurious;
        } else if (name == "any") {
            fault.kind = Kind::any;
        } else if (const std::optional<int> error = find_error(name)) {
            fault.error = *error;
        } else {
            at_ = start;
            refuse("an error's name, short:N, spurious, delay:TIME or any is wanted");
        }
    }

    std::chrono::nanoseconds duration() {
        const std::size_t start = at_;
        const std::uint64_t count = number();
        std::chrono::nanoseconds unit{};
        for (const auto& [name, length] : units)
            if (take(name)) {
                unit = length;
                break;
            }
        if (unit == 0ns) refuse("ns, us, ms or s is wanted");
        if (count > static_cast<std::uint64_t>(1h / unit)) {
            at_ = start;
            refuse("a delay takes at most an hour");
        }
        return unit * static_cast<std::int64_t>(count);
    }

    [[noreturn]] void refuse(const std::string& what) const {
        const std::string_view rest = line_.substr(at_);
        const std::string place =
            rest.empty() ? "at its end" : "at '" + std::string{rest.substr(0, 40)} + "'";
        throw std::invalid_argument{"fault plan, character " + std::to_string(at_ + 1) + ", " +
                                    place + ": " + what};
    }

    std::string_view line_;
    std::size_t at_ = 0;
};

std::string text_of_share(double percent) {
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), percent).ptr;
    return {text.data(), end};
}

std::string text_of_which(const FaultRule& rule) {
    if (rule.percent < 100) return text_of_share(rule.percent) + "%";
    if (rule.first == 1 && rule.last == no_end && rule.step == 1) return "*";
    std::string text = std::to_string(rule.first);
    if (rule.last == rule.first) return text;
    if (rule.last != no_end) text += "-" + std::to_string(rule.last);
    if (rule.step > 1) return text + "+" + std::to_string(rule.step);
    return rule.last == no_end ? text + "+" : text;
}

std::string text_of_delay(std::chrono::nanoseconds delay) {
    for (const auto& [name, length] : units)
        if (delay % length == 0ns) return std::to_string(delay / length) + std::string{name};
    return {}; // not reached: each is a number of nanoseconds
}

} // namespace

std::string text_of(const Fault& fault) {
    switch (fault.kind) {
    case Kind::error:
        return error_name(fault.error);
    case Kind::any:
        return "any";
    case Kind::short_count:
        return "short:" + std::to_string(fault.bytes);
    case Kind::spurious:
        return "spurious";
    case Kind::delay:
        return "delay:" + text_of_delay(fault.delay);
    case Kind::callback:
        break;
    }
    return "callback";
}

FaultPlan FaultPlan::parse(std::string_view line) { return Parser{line}.plan(); }

FaultPlan& FaultPlan::add(FaultRule rule) {
    if (const std::string wrong = complaint(rule); !wrong.empty())
        throw std::invalid_argument{"fault plan: " + wrong};
    rules_.push_back(std::move(rule));
    return *this;
}

FaultPlan& FaultPlan::set_seed(std::uint64_t seed) {
    seed_ = seed;
    return *this;
}

std::string FaultPlan::to_string() const {
    std::string line;
    if (seed_) line = "seed=" + std::to_string(*seed_);
    for (const FaultRule& rule : rules_) {
        if (!line.empty()) line += ';';
        line += rule.call;
        if (rule.fd >= 0) line += "[" + std::to_string(rule.fd) + "]";
        line += "@" + text_of_which(rule) + "=" + text_of(rule.fault);
    }
    return line;
}

} // namespace pollux
