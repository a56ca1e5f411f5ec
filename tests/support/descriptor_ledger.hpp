#pragma once

namespace pollux_test {

/// Fails the running test case when it ends with more or fewer open descriptors than it began.
class DescriptorLedger {
public:
    DescriptorLedger();
    ~DescriptorLedger();
    DescriptorLedger(const DescriptorLedger&) = delete;
    DescriptorLedger& operator=(const DescriptorLedger&) = delete;

private:
    int before_;
};

/// How many descriptors this process has open.
int open_descriptors();

} // namespace pollux_test
