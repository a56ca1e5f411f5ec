#include "given_fault.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <pollux/instruments/fault_injection.hpp>
#include <string_view>

namespace pollux_test {
namespace {

constexpr std::string_view option = "--fault=";

std::optional<pollux::FaultPlan>& plan() {
    static std::optional<pollux::FaultPlan> given;
    return given;
}

// Puts the plan in force around each case, and says what it did.
struct FaultedCases final : doctest::IReporter {
    explicit FaultedCases(const doctest::ContextOptions&) {}

    void test_case_start(const doctest::TestCaseData& test) override {
        if (plan() && !std::string_view{test.m_name}.starts_with("torture"))
            injection_ = std::make_unique<pollux::FaultInjection>(*plan());
        name_ = test.m_name;
    }
    void test_case_end(const doctest::CurrentTestCaseStats&) override {
        if (!injection_) return;
        const std::size_t count = injection_->injected();
        const std::string log = injection_->log();
        injection_.reset();
        if (count > 0) std::cout << name_ << ": injected " << log << '\n';
    }

    void report_query(const doctest::QueryData&) override {}
    void test_run_start() override {}
    void test_run_end(const doctest::TestRunStats&) override {}
    void test_case_reenter(const doctest::TestCaseData&) override {}
    void test_case_exception(const doctest::TestCaseException&) override {}
    void subcase_start(const doctest::SubcaseSignature&) override {}
    void subcase_end() override {}
    void log_assert(const doctest::AssertData&) override {}
    void log_message(const doctest::MessageData&) override {}
    void test_case_skipped(const doctest::TestCaseData&) override {}

private:
    std::unique_ptr<pollux::FaultInjection> injection_;
    const char* name_ = "";
};
REGISTER_LISTENER("faulted_cases", 0, FaultedCases);

} // namespace

const std::optional<pollux::FaultPlan>& given_fault() { return plan(); }

void take_given_fault(int argc, char** argv) {
    std::string_view line;
    if (const char* const given = std::getenv("POLLUX_FAULT")) line = given;
    for (int argument = 1; argument < argc; ++argument)
        if (const std::string_view word = argv[argument]; word.starts_with(option))
            line = word.substr(option.size());
    if (!line.empty()) plan() = pollux::FaultPlan::parse(line);
}

} // namespace pollux_test
