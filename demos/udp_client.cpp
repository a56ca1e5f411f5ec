// Each line of standard input goes to a server as a datagram, and each datagram that comes back is
// printed as a line. The other side of udp_ack_server.
//
// UDP tells of no end: after that of the input the program waits until each datagram had its
// answer, or none has come for a while; a datagram may get lost, and so may its answer.
//
// A name is looked up before the loop runs, and its first address taken: whether somebody listens
// at one of the others, nothing would tell.
//
//     udp_ack_server --port 7777 &
//     udp_client --port 7777

#include "common/datagrams.hpp"
#include "common/text.hpp"

#include <iostream>

using namespace pollux;

namespace {

class UdpClient {
public:
    UdpClient(EventLoop& loop, Socket& socket, Trigger trigger, std::chrono::milliseconds wait)
        : loop_{loop},
          server_{socket.peer()},
          wait_{wait},
          enough_{loop.run_at(Clock::time_point::max(), [this] { loop_.stop(); })},
          reader_{loop, socket, trigger,
                  [this](ByteView datagram, const Address&) {
                      demos::print_line(text_of(datagram));
                      ++answered_;
                      end_if_answered();
                  },
                  [this](std::error_code error) { failed(error); }},
          lines_{loop, socket, [this](std::error_code error) { failed(error); },
                 [this] {
                     ended_ = true;
                     end_if_answered();
                 }} {}

    // 0: each datagram had its answer.
    int status() const {
        if (answered_ < lines_.sent())
            std::cerr << "udp_client: " << lines_.sent() - answered_ << " of " << lines_.sent()
                      << " datagrams had no answer\n";
        return !failed_ && answered_ >= lines_.sent() ? 0 : 1;
    }

private:
    void failed(std::error_code error) {
        std::cerr << "udp_client: " << server_.to_string() << ": " << error.message() << std::endl;
        failed_ = true;
        if (error == std::errc::connection_refused) ++refused_;
        end_if_answered();
    }

    void end_if_answered() {
        if (!ended_) return;
        if (answered_ + refused_ >= lines_.sent())
            loop_.stop();
        else
            enough_.run_after(wait_);
    }

    EventLoop& loop_;
    Address server_;
    std::chrono::milliseconds wait_;
    std::uint64_t answered_ = 0;
    std::uint64_t refused_ = 0; // that is an answer too
    bool failed_ = false;
    bool ended_ = false;
    Timer enough_;
    demos::DatagramReader reader_;
    demos::DatagramLines lines_;
};

} // namespace

int main(int argc, char** argv) {
    demos::Options options{"udp_client", "Lines to a server as datagrams, and its answers."};
    demos::CommonOptions common;
    std::chrono::milliseconds wait{1000};
    common.add_to_client(options);
    options.duration("--wait", wait, "how long to wait for an answer after the end of the input");
    return demos::run(options, argc, argv, [&] {
        const Address server = common.server().look_up_and_wait();
        EventLoop loop = common.make_loop();
        Socket socket = Socket::open(server.family(), SOCK_DGRAM);
        if (const ConnectResult result = socket.connect(server); result.error != 0)
            throw std::system_error{result.error_code(), "connect " + server.to_string()};
        // NOLINTNEXTLINE(misc-const-correctness): its callbacks change it
        UdpClient client{loop, socket, common.trigger, wait};
        loop.run();
        return client.status();
    });
}
