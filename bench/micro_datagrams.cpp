// Datagrams over loopback, into the queue of a socket and out of it again, on one thread: one by
// one, in batches, and as one buffer that the kernel cuts. Both halves of the way are timed. The
// twin that is linked with pollux_hooked counts the system calls.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <pollux/instruments/calls.hpp>
#include <pollux/net/datagram_batch.hpp>
#include <pollux/net/socket.hpp>
#include <vector>

using namespace pollux;

namespace {

constexpr std::size_t count = 64; // datagrams of a round

struct Queue {
    explicit Queue(std::size_t datagram_size)
        : size{datagram_size}, bytes(size * count, std::byte{'x'}), batch{count, size} {
        socket.set(option::receive_buffer, 4 << 20);
        to = socket.local();
        for (std::size_t i = 0; i < count; ++i)
            datagrams.push_back({.bytes = ByteView{bytes}.subspan(i * size, size), .to = to});
    }

    Socket socket = Socket::datagram(Address::ipv4_loopback(0));
    Address to;
    std::size_t size;
    std::vector<std::byte> bytes;
    std::vector<OutgoingDatagram> datagrams;
    DatagramBatch batch;
};

std::size_t take_batches(Queue& queue) {
    std::size_t taken = 0;
    while (taken < count) {
        const ReceivedBatch received = queue.batch.receive(queue.socket);
        if (received.state != IoState::ok) break;
        taken += received.datagrams.size();
    }
    return taken;
}

std::size_t one_by_one(Queue& queue) {
    for (const OutgoingDatagram& datagram : queue.datagrams)
        queue.socket.send_to(datagram.bytes, queue.to);
    std::size_t taken = 0;
    while (taken < count &&
           queue.socket.receive_from(queue.bytes).state == IoState::ok) // all say the same
        ++taken;
    return taken;
}

std::size_t in_batches(Queue& queue) {
    queue.batch.send(queue.socket, queue.datagrams);
    return take_batches(queue);
}

std::size_t in_segments(Queue& queue) {
    // One call takes 64 KiB at most, less the headers.
    const std::size_t fits = (65'000 / queue.size) * queue.size;
    ByteView rest = queue.bytes;
    while (!rest.empty()) {
        const IoResult sent =
            queue.batch.send_segments(queue.socket, rest.first(std::min(rest.size(), fits)),
                                      static_cast<std::uint16_t>(queue.size), queue.to);
        if (sent.state != IoState::ok) break;
        rest = rest.subspan(sent.bytes);
    }
    return take_batches(queue);
}

double calls_made() {
    double calls = 0;
    for (const CallCount& call : call_counts()) calls += static_cast<double>(call.made);
    return calls;
}

void datagrams(benchmark::State& state, std::size_t (*round)(Queue&)) {
    Queue queue{static_cast<std::size_t>(state.range(0))};
    const double calls_before = calls_made();
    while (state.KeepRunning()) {
        if (round(queue) == count) continue;
        state.SkipWithError("datagrams were lost");
        return;
    }
    const auto passed = static_cast<std::int64_t>(count) * state.iterations();
    state.SetItemsProcessed(passed);
    const double calls = calls_made() - calls_before;
    if (calls > 0) state.counters["calls"] = calls / static_cast<double>(passed);
}

BENCHMARK_CAPTURE(datagrams, one, one_by_one)->Arg(64)->Arg(1400);
BENCHMARK_CAPTURE(datagrams, batch, in_batches)->Arg(64)->Arg(1400);
BENCHMARK_CAPTURE(datagrams, segments, in_segments)->Arg(64)->Arg(1400);

} // namespace

BENCHMARK_MAIN();
