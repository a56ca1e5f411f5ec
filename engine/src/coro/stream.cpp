#include <pollux/coro/stream.hpp>

#include <cerrno>
#include <functional>
#include <utility>

#include "coro/stream_core.hpp"
#include "net/transfer.hpp"

namespace pollux::coro {
namespace {

// A read that stops short may have more behind it: the end, or what follows an urgent byte.
constexpr Readiness more =
    Readiness::peer_closed | Readiness::hang_up | Readiness::error | Readiness::urgent;

constexpr std::chrono::milliseconds retry_delay{10};

} // namespace

// --- reading ---------------------------------------------------------------------------------

Read::Read(StreamCore& stream, std::span<std::byte> into, bool wants_all) noexcept
    : DescriptorWait{stream, Direction::read}, into_{into}, wants_all_{wants_all} {}

StreamCore& Read::stream() const noexcept { return static_cast<StreamCore&>(*core()); }

// Whether the task can go on.
bool Read::read(bool may_be_more) {
    StreamCore& from = stream();
    do {
        const IoResult result = receive_bytes(from.socket.fd(), into_);
        if (result.state == IoState::would_block) {
            from.may_have_more = from.announced = false;
            return false;
        }
        // A short read proves the kernel's buffer empty (epoll(7), question 9), but for what was
        // announced, however many reads ago: no edge will tell again.
        from.announced = from.announced || may_be_more;
        from.may_have_more =
            from.announced || result.state != IoState::ok || result.bytes == into_.size();
        result_ = {result_.bytes + result.bytes, result.state, result.error};
        if (result.state != IoState::ok) return true;
        into_ = into_.subspan(result.bytes);
        if (!wants_all_ || into_.empty()) return true;
    } while (from.may_have_more);
    return false;
}

bool Read::start() {
    StreamCore& from = stream();
    from.check_free(*this);
    if (into_.empty()) return false;
    const Readiness unread = from.take_unread();
    const bool may_be_more = has(unread, more);
    if ((from.may_have_more || unread != Readiness::none) && read(may_be_more)) return false;
    from.wait_to_read(*this, true);
    return true;
}

void Read::ready(Readiness what) {
    if (!read(has(what, more))) return;
    done();
    resume();
}

void Read::abandoned() noexcept { result_ = {result_.bytes, IoState::error, EBADF}; }

// --- writing ---------------------------------------------------------------------------------

Write::Write(StreamCore& stream, ByteView bytes) noexcept
    : DescriptorWait{stream, Direction::write}, bytes_{bytes} {}

StreamCore& Write::stream() const noexcept { return static_cast<StreamCore&>(*core()); }

// At edge trigger until it would block: only then will writability be told.
inline Write::Progress Write::write() {
    const StreamCore& to = stream();
    while (!bytes_.empty()) {
        const IoResult result = send_bytes(to.socket.fd(), bytes_);
        if (result.state == IoState::would_block) return Progress::full;
        if (result.state == IoState::error && result.error == ENOBUFS) return Progress::no_memory;
        result_ = {result_.bytes + result.bytes, result.state, result.error};
        if (result.state == IoState::error) return Progress::done;
        bytes_ = bytes_.subspan(result.bytes);
        if (to.trigger() != Trigger::edge && !bytes_.empty()) return Progress::full;
    }
    return Progress::done;
}

bool Write::start() {
    stream().check_free(*this);
    const Progress progress = write();
    if (progress == Progress::done) return false;
    keep_bytes();
    wait_for(progress);
    return true;
}

void Write::ready(Readiness) { go_on(write()); }

void Write::go_on(Progress progress) {
    try {
        if (progress != Progress::done) return wait_for(progress);
    } catch (...) { // the kernel refuses, or no memory: nobody would ever tell
        fail(std::current_exception());
    }
    done();
    resume();
}

void Write::abandoned() noexcept {
    if (later_ != nullptr) later_->retry = {};
    result_ = {result_.bytes, IoState::error, EBADF};
}

bool Write::give_up() noexcept {
    if (later_ != nullptr) later_->retry = {};
    return DescriptorWait::give_up();
}

void Write::put_off() {
    DescriptorWait::put_off();
    keep_bytes();
}

// Others read into the loop's scratch meanwhile.
void Write::keep_bytes() {
    const std::span<const std::byte> scratch = loop().scratch();
    const std::less<> before;
    if (before(bytes_.data(), scratch.data()) ||
        !before(bytes_.data(), scratch.data() + scratch.size()))
        return;
    later().kept.assign(bytes_.begin(), bytes_.end());
    bytes_ = later_->kept;
}

Write::Later& Write::later() {
    if (later_ == nullptr) later_ = std::make_unique<Later>();
    return *later_;
}

// ENOBUFS passes by itself, and no readiness tells.
void Write::wait_for(Progress progress) {
    if (progress == Progress::full) return stream().wait_to_write(*this, true);
    stream().hold_writer(*this);
    if (Timer& retry = later().retry)
        retry.run_after(retry_delay);
    else
        retry = loop().run_after(retry_delay, [this] { go_on(write()); });
}

// --- the stream ------------------------------------------------------------------------------

Stream::Stream(EventLoop& loop, Socket socket, Trigger trigger)
    : loop_{&loop}, core_{std::make_shared<StreamCore>(std::move(socket))} {
    DescriptorCore::open(core_, loop, core_->socket.fd(), trigger);
}

Stream::~Stream() {
    if (core_ == nullptr) return;
    core_->close();
    core_->socket.close(); // its watch may be calling, and keep the rest
}

Stream& Stream::operator=(Stream&& other) noexcept {
    const Stream former{std::move(*this)};
    loop_ = other.loop_;
    core_ = std::move(other.core_);
    return *this;
}

Read Stream::read(std::span<std::byte> into) noexcept { return {*core_, into, false}; }
Read Stream::read_exactly(std::span<std::byte> into) noexcept { return {*core_, into, true}; }
Write Stream::write(ByteView bytes) noexcept { return {*core_, bytes}; }

BecomesReady Stream::readable() noexcept {
    core_->may_have_more = true; // who knows what is read then
    return {*core_, BecomesReady::Direction::read};
}
BecomesReady Stream::writable() noexcept { return {*core_, BecomesReady::Direction::write}; }

Socket& Stream::socket() noexcept { return core_->socket; }

} // namespace pollux::coro
