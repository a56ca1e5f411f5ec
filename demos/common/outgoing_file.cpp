#include "outgoing_file.hpp"

#include <algorithm>
#include <chrono>
#include <fcntl.h>
#include <poll.h>
#include <pollux/error.hpp>
#include <span>
#include <stdexcept>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace demos {

using namespace pollux;

OutgoingFile OutgoingFile::open(const std::string& path) {
    OutgoingFile file;
    // What is no file may make its opener wait for ever (a FIFO), or do something (a device).
    file.fd.reset(check(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK), "open", path));
    struct stat status {};
    check(::fstat(file.fd.get(), &status), "fstat", path);
    if (!S_ISREG(status.st_mode)) throw std::invalid_argument{path + " is no regular file"};
    file.size = static_cast<std::uint64_t>(status.st_size);
    file.name = path.substr(path.rfind('/') + 1);
    return file;
}

void FileSender::send(ConnectionSet& connections, ConnectionId id, OutgoingFile file) {
    file_ = std::move(file);
    sent_ = 0;
    bar_.emplace(file_.name, file_.size);
    progress_ = loop_.run_every(std::chrono::milliseconds{100}, [this, &connections, id] {
        if (Connection* const connection = connections.find(id)) look(*connection);
    });
}

// A connection with much to send does not read, so nobody else sees that the peer has had enough.
void FileSender::look(Connection& connection) {
    pollfd state{.fd = connection.fd(), .events = POLLRDHUP, .revents = 0};
    if (connection.queued() > 0 && ::poll(&state, 1, 0) > 0 && (state.revents & POLLRDHUP) != 0)
        connection.abort();
    else
        bar_->show(sent_ - std::min<std::uint64_t>(sent_, connection.queued()));
}

FileSender::State FileSender::go_on(Connection& connection) {
    if (!bar_) return State::idle;
    // More than that waiting, and `on_drain` will follow.
    while (sent_ < file_.size && connection.queued() <= ConnectionOptions{}.high_water)
        if (!send_part(connection)) return State::lost;
    if (sent_ < file_.size) return State::busy;
    bar_->finish();
    give_up();
    return State::idle;
}

bool FileSender::send_part(Connection& connection) {
    const std::span<std::byte> part = loop_.scratch();
    const std::size_t count = std::min<std::uint64_t>(part.size(), file_.size - sent_);
    const ssize_t got = ::pread(file_.fd.get(), part.data(), count, static_cast<off_t>(sent_));
    if (got <= 0) { // it has become shorter, or cannot be read
        connection.abort();
        return false;
    }
    sent_ += static_cast<std::uint64_t>(got);
    return connection.send(part.first(static_cast<std::size_t>(got)));
}

void FileSender::give_up() {
    file_ = {};
    progress_ = {};
    bar_.reset();
}

} // namespace demos
