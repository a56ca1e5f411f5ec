#pragma once

#include "torture/plain_client.hpp"
#include "torture/trial.hpp"

#include <chrono>
#include <functional>
#include <initializer_list>
#include <pollux/fd.hpp>
#include <thread>

namespace pollux_test {

/// What a trial does in a thread of its own, with faults, from beginning to end: it returns or
/// throws when it is over. An exception is a reported error.
class Background {
public:
    Background(Trial& trial, std::function<void()> work);
    ~Background() { join(); }
    Background(const Background&) = delete;
    Background& operator=(const Background&) = delete;

    bool is_over(std::chrono::milliseconds within = {}) const;
    /// Waits for the end, which somebody must have brought about. Whether it was none by an
    /// exception.
    bool join();

    /// Lets clients talk until they are all over, or this is: then nobody serves them any more.
    /// Whether all were served.
    bool serves(std::initializer_list<PlainClient*> clients) const;

private:
    pollux::Fd ended_;   // readable at the end
    bool threw_ = false; // to be asked when the thread has ended
    std::thread thread_;
};

} // namespace pollux_test
