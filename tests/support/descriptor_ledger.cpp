#include "descriptor_ledger.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <iterator>

namespace pollux_test {

int open_descriptors() {
    const std::filesystem::directory_iterator entries{"/proc/self/fd"};
    return static_cast<int>(std::distance(begin(entries), end(entries))) - 1; // its own
}

DescriptorLedger::DescriptorLedger() : before_{open_descriptors()} {}

DescriptorLedger::~DescriptorLedger() { CHECK_EQ(open_descriptors(), before_); }

} // namespace pollux_test
