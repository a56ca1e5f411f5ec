#include "instruments/simple_files.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <poll.h>
#include <utility>

namespace pollux::simulated {
namespace {

Result or_error(ssize_t result) { return result < 0 ? -errno : result; }

} // namespace

// --- pipes -------------------------------------------------------------------------------------

std::size_t PipePages::count() const noexcept {
    std::size_t sum = 0;
    for (const Page& page : pages) sum += page.bytes.size();
    return sum;
}

// pipe_write: what does not fill a page joins the last one if all of it fits there.
std::size_t PipePages::put(std::string_view bytes) {
    std::size_t written = 0;
    const std::size_t odd = bytes.size() % size;
    if (!pages.empty() && odd > 0 && pages.back().filled + odd <= size) {
        pages.back().bytes.append(bytes.substr(0, odd));
        pages.back().filled += odd;
        written = odd;
    }
    while (written < bytes.size() && !is_full()) {
        const std::string_view part = bytes.substr(written, size);
        pages.push_back({.bytes = std::string{part}, .filled = part.size()});
        written += part.size();
    }
    return written;
}

void PipePages::drop(std::size_t count) {
    pages.front().bytes.erase(0, count);
    if (pages.front().bytes.empty()) pages.pop_front();
}

void PipeEnd::join(PipeEnd& reader, PipeEnd& writer) {
    reader.other_ = &writer;
    writer.other_ = &reader;
    reader.pages_ = writer.pages_ = std::make_shared<PipePages>();
}

// pipe_poll
std::uint32_t PipeEnd::state() {
    if (writes_) return (pages_->is_full() ? 0 : POLLOUT) | (other_->gone_ ? POLLERR : 0);
    return (pages_->pages.empty() ? 0 : POLLIN) | (other_->gone_ ? POLLHUP : 0);
}

Result PipeEnd::read(Writable into, int flags) {
    if (writes_) return -EBADF;
    if (pages_->pages.empty()) {
        if (other_->gone_ || into.empty()) return 0;
        if (!blocks(flags)) return -EAGAIN;
        const auto has_news = [&] { return !pages_->pages.empty() || other_->gone_; };
        if (const Result waited = world().wait(has_news); waited < 0) return waited;
        return read(into, flags);
    }
    std::size_t copied = 0;
    if ((flags & MSG_PEEK) != 0) {
        for (const PipePages::Page& page : pages_->pages) {
            const std::size_t part = std::min(into.size() - copied, page.bytes.size());
            std::memcpy(into.data() + copied, page.bytes.data(), part);
            copied += part;
        }
        return static_cast<Result>(copied);
    }
    const bool was_full = pages_->is_full();
    while (copied < into.size() && !pages_->pages.empty()) {
        const std::string_view next = pages_->front();
        const std::size_t part = std::min(into.size() - copied, next.size());
        std::memcpy(into.data() + copied, next.data(), part);
        copied += part;
        pages_->drop(part);
    }
    if (was_full && !pages_->is_full()) other_->wake(POLLOUT);
    return static_cast<Result>(copied);
}

// Who watches is woken by every write since Linux 5.14, also by one that found no room.
Result PipeEnd::write(ByteView bytes, int flags) {
    if (!writes_) return -EBADF;
    std::size_t written = 0;
    while (written < bytes.size()) {
        if (other_->gone_) return -EPIPE;
        const std::size_t count = pages_->put(text_of(bytes.subspan(written)));
        written += count;
        other_->wake(POLLIN);
        if (count > 0 && written == bytes.size()) break;
        if (!blocks(flags)) return written > 0 ? static_cast<Result>(written) : -EAGAIN;
        const auto has_room = [&] { return !pages_->is_full() || other_->gone_; };
        if (const Result waited = world().wait(has_room); waited < 0) return waited;
    }
    return static_cast<Result>(written);
}

void PipeEnd::release() {
    gone_ = true;
    other_->wake(0);
}

// --- eventfd -----------------------------------------------------------------------------------

std::uint32_t Counter::state() {
    constexpr auto most = std::numeric_limits<std::uint64_t>::max() - 1;
    return (count_ > 0 ? POLLIN : 0U) | (count_ < most ? POLLOUT : 0U);
}

std::uint32_t Counter::may_be_spurious() const { return POLLIN; }

Result Counter::read(Writable into, int flags) {
    if (into.size() < sizeof count_) return -EINVAL;
    if (count_ == 0) {
        if (!blocks(flags)) return -EAGAIN;
        if (const Result w = world().wait([&] { return count_ > 0; }); w < 0) return w;
    }
    std::memcpy(into.data(), &count_, sizeof count_);
    count_ = 0;
    wake(POLLOUT);
    return sizeof count_;
}

Result Counter::write(ByteView bytes, int /*flags*/) {
    std::uint64_t added = 0;
    if (bytes.size() < sizeof added) return -EINVAL;
    std::memcpy(&added, bytes.data(), sizeof added);
    constexpr auto most = std::numeric_limits<std::uint64_t>::max() - 1;
    if (added > most) return -EINVAL;
    if (added > most - count_) return -EAGAIN;
    count_ += added;
    wake(POLLIN);
    return sizeof added;
}

// --- signalfd ----------------------------------------------------------------------------------

int SignalFile::pending() const {
    for (const int signal : world().signals)
        if (sigismember(&mask_, signal) == 1) return signal;
    return 0;
}

std::uint32_t SignalFile::state() { return pending() != 0 ? POLLIN : 0; }

Result SignalFile::read(Writable into, int flags) {
    signalfd_siginfo found{};
    if (into.size() < sizeof found) return -EINVAL;
    if (pending() == 0) {
        if (!blocks(flags)) return -EAGAIN;
        if (const Result w = world().wait([&] { return pending() != 0; }); w < 0) return w;
    }
    const int signal = pending();
    world().signals.erase(signal);
    found.ssi_signo = static_cast<std::uint32_t>(signal);
    std::memcpy(into.data(), &found, sizeof found);
    return sizeof found;
}

// --- real files --------------------------------------------------------------------------------

std::uint32_t RealFile::state() { return POLLIN | POLLOUT; }

Result RealFile::read(Writable into, int /*flags*/) {
    return or_error(real_kernel().read(fd_, into.data(), into.size()));
}

Result RealFile::write(ByteView bytes, int /*flags*/) {
    return or_error(real_kernel().write(fd_, bytes.data(), bytes.size()));
}

void RealFile::release() {
    if (std::exchange(owned_, false)) real_kernel().close(fd_);
}

} // namespace pollux::simulated
