#include "contract.hpp"

#include <cstdio>
#include <deque>
#include <string>
#include <system_error>

#include "descriptor_ledger.hpp"
#include "own_thread.hpp"

namespace pollux_test {

bool is_there(pollux::Backend backend) {
    if (backend != pollux::Backend::io_uring) return true;
    static const bool can_be_made = [] {
        try {
            in_own_thread([] { pollux::make_reactor(pollux::Backend::io_uring); });
            return true;
        } catch (const std::system_error& error) {
            std::fprintf(stderr, "cases on io_uring are skipped: %s\n", error.what());
            return false;
        }
    }();
    return can_be_made;
}

void run_in_mode(Body body, const Mode& mode) {
    const auto run = [&] {
        const DescriptorLedger ledger;
        body(mode);
    };
    if (!mode.is(pollux::Backend::io_uring))
        run();
    else if (is_there(mode.backend))
        in_own_thread(run);
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
