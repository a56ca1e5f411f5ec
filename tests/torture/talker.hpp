#pragma once

#include <pollux/fd.hpp>
#include <pollux/net/address.hpp>
#include <string>
#include <string_view>

namespace pollux_test {

/// A client on bare system calls that says what it is told to and keeps what it hears. It never
/// blocks.
class Talker {
public:
    explicit Talker(const pollux::Address& server);

    /// To be sent, as fast as the other end takes it.
    void say(std::string_view text);
    /// Nothing more is said: ends its side when all is sent.
    void leave();
    /// Sends and receives what can be.
    void step();

    /// The other end has ended, in good order or not.
    bool over() const { return over_; }
    bool ended_well() const { return over_ && !broken_; }
    const std::string& heard() const { return heard_; }
    bool has_heard(std::string_view text) const { return heard_.find(text) != heard_.npos; }

private:
    void send_some();
    void hear();

    pollux::Fd socket_;
    std::string unsent_;
    std::string heard_;
    bool leaves_ = false;
    bool left_ = false;
    bool broken_ = false;
    bool over_ = false;
};

} // namespace pollux_test
