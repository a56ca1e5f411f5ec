#pragma once

#include <cstddef>
#include <pollux/fd.hpp>
#include <pollux/net/address.hpp>
#include <string>
#include <string_view>

namespace pollux_test {

/// A client of a stream server on bare system calls, in steps that never block: sends a text piece
/// by piece, the next one when the answer to the last is there, ends its side, and waits for the
/// end of the other.
class PlainClient {
public:
    /// Connects; it is over when it is refused. `answer` is what is to come back for all of `text`;
    /// pieces have `piece` bytes, and answers are as long as what they answer unless there is one
    /// piece only.
    PlainClient(const pollux::Address& server, std::string_view text, std::string_view answer,
                std::size_t piece);
    /// Talks over a socket that is connected.
    PlainClient(pollux::Fd connected, std::string_view text, std::string_view answer,
                std::size_t piece);

    /// Sends and receives what it can.
    void step();
    /// Whether it is over, well or not.
    bool over() const noexcept { return over_; }
    /// Whether all answers came, and then the end in good order.
    bool served() const noexcept { return served_; }
    /// To wait for what comes; -1 when it is over.
    int fd() const noexcept { return socket_.get(); }

private:
    void send_piece();
    void receive();

    pollux::Fd socket_;
    std::string_view text_;
    std::string_view answer_;
    std::size_t piece_;
    std::size_t sent_ = 0;
    std::string received_;
    bool ended_ = false; // our side
    bool over_ = false;
    bool served_ = false;
};

/// A Unix socket's address of this process's own, without a file.
pollux::Address own_address(std::string_view word);

} // namespace pollux_test
