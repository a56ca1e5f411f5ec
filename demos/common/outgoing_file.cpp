#include "outgoing_file.hpp"

#include <algorithm>
#include <chrono>
#include <fcntl.h>
#include <poll.h>
#include <pollux/error.hpp>
#include <stdexcept>
#include <sys/stat.h>
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
    Connection* const connection = connections.find(id);
    if (connection == nullptr) return;
    size_ = file.size;
    bar_.emplace(file.name, size_);
    progress_ = loop_.run_every(std::chrono::milliseconds{100}, [this, &connections, id] {
        if (Connection* const sending = connections.find(id)) look(*sending);
    });
    connection->send_file(std::move(file.fd), 0, size_);
}

// A connection that sends a file does not read, so nobody else sees that the peer has had enough.
void FileSender::look(Connection& connection) {
    pollfd state{.fd = connection.fd(), .events = POLLRDHUP, .revents = 0};
    if (connection.queued() > 0 && ::poll(&state, 1, 0) > 0 && (state.revents & POLLRDHUP) != 0)
        connection.abort();
    else
        bar_->show(size_ - std::min(size_, connection.queued()));
}

bool FileSender::sending(const Connection& connection) {
    if (!bar_) return false;
    const bool waits = size_ > 0 && connection.queued() > 0; // nobody tells of an empty one
    if (waits) return true;
    bar_->finish();
    give_up();
    return false;
}

void FileSender::give_up() {
    progress_ = {};
    bar_.reset();
}

} // namespace demos
