#include "upload.hpp"

#include <algorithm>
#include <cerrno>
#include <span>
#include <sys/socket.h>
#include <utility>

#include "clock.hpp"
#include "poller.hpp"

namespace load {
namespace {

class Upload {
public:
    Upload(const Options& options, std::span<const Fd> sockets, const Goal& goal)
        : sockets_(sockets), goal_(goal), poller_(options), bytes_(options.size) {}

    Result run() {
        result_.started = now();
        for (std::size_t i = 0; i < sockets_.size(); ++i)
            poller_.add(sockets_[i].get(), i, EPOLLOUT);
        while (result_.requests < sockets_.size()) {
            const auto events = poller_.wait();
            ++result_.waits;
            for (const epoll_event& event : events)
                visit(static_cast<std::size_t>(event.data.u64), event.events);
        }
        result_.ended = now();
        result_.idle = poller_.idle();
        return result_;
    }

private:
    void visit(std::size_t index, std::uint32_t ready) {
        if ((ready & EPOLLOUT) == 0)
            expect_end(index);
        else if (result_.bytes < goal_.amount && now() - result_.started < goal_.duration.count())
            send_some(index);
        else
            end_stream(index);
    }

    void send_some(std::size_t index) {
        const auto size = static_cast<std::size_t>(
            std::min<std::uint64_t>(bytes_.size(), goal_.amount - result_.bytes));
        const ssize_t count = send(sockets_[index].get(), bytes_.data(), size, MSG_NOSIGNAL);
        if (count < 0 && errno != EAGAIN)
            fail("connection " + std::to_string(index + 1) + ": send");
        result_.bytes += count < 0 ? 0 : static_cast<std::uint64_t>(count);
    }

    void end_stream(std::size_t index) {
        if (shutdown(sockets_[index].get(), SHUT_WR) < 0)
            fail("connection " + std::to_string(index + 1) + ": shutdown");
        poller_.modify(sockets_[index].get(), index, EPOLLIN);
    }

    void expect_end(std::size_t index) {
        char byte = 0;
        const ssize_t count = recv(sockets_[index].get(), &byte, 1, 0);
        if (count < 0 && errno != EAGAIN)
            fail("connection " + std::to_string(index + 1) + ": recv");
        if (count > 0) throw Failure{"the server answers an upload: is it a discard server?"};
        if (count < 0) return;
        poller_.remove(sockets_[index].get());
        result_.latency.record(static_cast<std::uint64_t>(now() - result_.started));
        ++result_.requests;
    }

    std::span<const Fd> sockets_;
    const Goal& goal_;
    Poller poller_;
    std::vector<char> bytes_;
    Result result_;
};

} // namespace

void UploadLoad::prepare() {
    if (!sockets_.empty()) return;
    dialer_.dial_all(options_.connections,
                     [&](Fd socket) { sockets_.push_back(std::move(socket)); });
}

Result UploadLoad::run(const Goal& goal) {
    const Result result = Upload{options_, sockets_, goal}.run();
    sockets_.clear();
    return result;
}

} // namespace load
