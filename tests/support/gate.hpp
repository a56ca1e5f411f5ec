#pragma once

#include <future>

namespace pollux_test {

/// Threads wait at it until it is opened.
class Gate {
public:
    void open() { opened_.set_value(); }
    void wait() const { open_.wait(); }

private:
    std::promise<void> opened_;
    std::shared_future<void> open_{opened_.get_future()};
};

} // namespace pollux_test
