#include "contract.hpp"

#include <deque>
#include <string>

#include "descriptor_ledger.hpp"

namespace pollux_test {

void run_in_mode(Body body, const Mode& mode) {
    const DescriptorLedger ledger;
    body(mode);
}

int add_cases(const char* name, const char* file, int line,
              const std::array<Thunk, modes.size()>& thunks) {
    static std::deque<std::string> names; // doctest keeps the pointers
    for (std::size_t place = 0; place < modes.size(); ++place) {
        if (thunks[place] == nullptr) continue;
        names.push_back(std::string{name} + " [" + std::string{to_string(modes[place].backend)} +
                        " " + std::string{to_string(modes[place].trigger)} + "]");
        doctest::detail::regTest(
            doctest::detail::TestCase{thunks[place], file, static_cast<unsigned>(line), {}} *
            names.back().c_str());
    }
    return 0;
}

} // namespace pollux_test
