#include <pollux/net/socket_file.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <pollux/error.hpp>

namespace pollux {
namespace {

constexpr std::size_t step = 8192;

} // namespace

std::optional<std::string> SocketFile::read_line(std::size_t limit) {
    std::size_t searched = 0;
    for (;;) {
        const std::size_t newline = input_.find('\n', start_ + searched);
        if (newline != input_.npos) return take(std::min(newline + 1 - start_, limit));
        if (available() >= limit) return take(limit);
        searched = available();
        if (receive_more()) continue;
        if (available() == 0) return std::nullopt;
        return take(available());
    }
}

std::string SocketFile::read(std::size_t count) {
    while (available() < count && receive_more()) {
    }
    return take(std::min(count, available()));
}

std::string SocketFile::read_all(std::size_t limit) {
    while (available() <= limit && receive_more()) {
    }
    if (available() > limit) throw_system_error(EMSGSIZE, "receive", socket_.socket().to_string());
    return take(available());
}

void SocketFile::write(ByteView bytes) {
    output_ += text_of(bytes);
    if (output_.size() >= step) flush();
}

void SocketFile::flush() {
    while (sent_ < output_.size()) sent_ += socket_.send(bytes_of(output_).subspan(sent_));
    output_.clear();
    sent_ = 0;
}

bool SocketFile::receive_more() {
    std::array<std::byte, step> buffer;
    const std::size_t count = socket_.receive(buffer);
    input_ += text_of(std::span{buffer}.first(count));
    return count > 0;
}

std::string SocketFile::take(std::size_t count) {
    std::string taken = input_.substr(start_, count);
    start_ += count;
    // Moved up when at least as much is gone as is left: however much waits, and however short its
    // lines are, that costs no more than to receive it.
    if (available() == 0 || start_ >= std::max(step, available())) {
        input_.erase(0, start_);
        start_ = 0;
    }
    return taken;
}

} // namespace pollux
