#pragma once

#include "line_input.hpp"
#include "program.hpp"

#include <pollux/net/socket.hpp>

namespace demos {

/// Receives the datagrams of a socket on a loop, at any trigger, for as long as it lives.
class DatagramReader {
public:
    using OnDatagram = pollux::UniqueFunction<void(pollux::ByteView, const pollux::Address& from)>;
    using OnError = pollux::UniqueFunction<void(std::error_code)>;

    /// The socket stays the caller's. `on_error` hears of what the network said of datagrams that
    /// were sent (ICMP): the socket lives on.
    DatagramReader(pollux::EventLoop& loop, pollux::Socket& socket, pollux::Trigger trigger,
                   OnDatagram on_datagram, OnError on_error);

private:
    void read();
    void read_some();

    pollux::EventLoop& loop_;
    pollux::Socket& socket_;
    pollux::Trigger trigger_;
    OnDatagram on_datagram_;
    OnError on_error_;
    pollux::Watch watch_;
};

/// Sends each line of standard input, without its end, as a datagram on a connected socket. What
/// the kernel has no room for now is tried again a little later, and the input waits.
class DatagramLines {
public:
    using OnError = DatagramReader::OnError;

    /// `on_error` is called with what was wrong with a line that was not sent; `on_end` when all
    /// lines are sent.
    DatagramLines(pollux::EventLoop& loop, pollux::Socket& socket, OnError on_error,
                  pollux::Task on_end);

    std::uint64_t sent() const { return sent_; }

private:
    void send(std::string_view line);

    pollux::Socket& socket_;
    OnError on_error_;
    std::uint64_t sent_ = 0;
    std::string waiting_;
    pollux::Timer again_;
    LineInput input_;
};

/// A demo server on a datagram socket, as `ServerProgram` is one on streams.
class DatagramProgram {
public:
    using OnDatagram =
        std::function<void(pollux::Socket&, pollux::ByteView, const pollux::Address& from)>;

    DatagramProgram(const std::string& name, const std::string& description,
                    const std::string& host = "127.0.0.1");

    Options& options() { return options_; }
    /// Numbers in the line of --stats.
    Counters& counters() { return counters_; }

    /// `open` makes the socket when the command line is parsed.
    int run(int argc, char** argv,
            const std::function<pollux::Socket(const pollux::Address&)>& open,
            const OnDatagram& on_datagram);

private:
    Options options_;
    CommonOptions common_;
    Counters counters_;
    bool stats_ = false;
};

} // namespace demos
