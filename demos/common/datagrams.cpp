#include "datagrams.hpp"

#include <cerrno>
#include <utility>

namespace demos {

using namespace pollux;

DatagramReader::DatagramReader(EventLoop& loop, Socket& socket, Trigger trigger,
                               OnDatagram on_datagram, OnError on_error)
    : loop_{loop},
      socket_{socket},
      trigger_{trigger},
      on_datagram_{std::move(on_datagram)},
      on_error_{std::move(on_error)},
      watch_{loop.watch(socket.fd(), Interest::read, trigger, [this](Readiness) { read(); })} {}

void DatagramReader::read() {
    read_some();
    if (trigger_ == Trigger::one_shot) watch_.rearm();
}

void DatagramReader::read_some() {
    constexpr int most = 64;                           // then the others have their turn
    const std::span<std::byte> into = loop_.scratch(); // no datagram is longer
    for (int left = most; left > 0; --left) {
        const ReceivedFrom datagram = socket_.receive_from(into);
        if (datagram.state == IoState::would_block) return;
        if (datagram.state == IoState::error)
            on_error_(datagram.error_code());
        else
            on_datagram_(into.first(datagram.bytes), datagram.from);
    }
    if (trigger_ == Trigger::edge) watch_.again();
}

DatagramLines::DatagramLines(EventLoop& loop, Socket& socket, OnError on_error, Task on_end)
    : socket_{socket},
      on_error_{std::move(on_error)},
      again_{loop.run_at(Clock::time_point::max(),
                         [this] {
                             input_.resume();
                             send(std::exchange(waiting_, {}));
                         })},
      input_{loop, [this](std::string_view line) { send(line); }, std::move(on_end)} {}

void DatagramLines::send(std::string_view line) {
    constexpr std::chrono::milliseconds a_little_later{10};
    IoResult result = socket_.send(bytes_of(line));
    if (result.error == ECONNREFUSED) { // said of one before
        on_error_(result.error_code());
        result = socket_.send(bytes_of(line));
    }
    if (result.state == IoState::would_block || result.error == ENOBUFS) {
        waiting_ = line;
        input_.pause();
        again_.run_after(a_little_later);
    } else if (result.state == IoState::error) {
        on_error_(result.error_code());
    } else {
        ++sent_;
    }
}

DatagramProgram::DatagramProgram(const std::string& name, const std::string& description,
                                 const std::string& host)
    : options_{name, description} {
    common_.host = host;
    common_.add_to_server(options_);
    options_.flag("--stats", stats_,
                  "print one line of statistics to standard error at the end and on SIGUSR1");
}

int DatagramProgram::run(int argc, char** argv, const std::function<Socket(const Address&)>& open,
                         const OnDatagram& on_datagram) {
    return demos::run(options_, argc, argv, [&] {
        EventLoop loop = common_.make_loop();
        Socket socket = open(common_.address());
        for (const char* const name : {"datagrams", "received", "errors"}) counters_.count(name, 0);
        // NOLINTNEXTLINE(misc-const-correctness): its callbacks change it
        DatagramReader reader{loop, socket, common_.trigger,
                              [&](ByteView bytes, const Address& from) {
                                  counters_.count("datagrams");
                                  counters_.count("received", bytes.size());
                                  on_datagram(socket, bytes, from);
                              },
                              [&](std::error_code) { counters_.count("errors"); }};
        std::function<std::string()> stats;
        if (stats_) stats = [&] { return "stats" + counters_.to_string() + calls_made(); };
        serve(loop, socket.local(), common_.sandbox, stats, [&] { loop.stop(); });
        return 0;
    });
}

} // namespace demos
