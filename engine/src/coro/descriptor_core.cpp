#include "coro/descriptor_core.hpp"

#include <stdexcept>
#include <utility>

namespace pollux::coro {
namespace {

constexpr Readiness ends = Readiness::hang_up | Readiness::error;
constexpr Readiness for_reader = Readiness::readable | Readiness::peer_closed | ends;
constexpr Readiness for_writer = Readiness::writable | ends;

} // namespace

void DescriptorCore::open(const std::shared_ptr<DescriptorCore>& self, EventLoop& loop, int fd,
                          Trigger trigger) {
    self->trigger_ = trigger;
    self->watch_ =
        loop.watch(fd, Interest::read, trigger, [self](Readiness ready) { self->on_ready(ready); });
}

void DescriptorCore::close() noexcept {
    watch_.stop();
    for (DescriptorWait* const wait :
         {std::exchange(reader_, nullptr), std::exchange(writer_, nullptr)}) {
        if (wait == nullptr) continue;
        wait->core_ = nullptr;
        wait->abandoned();
        wait->resume_later();
    }
}

void DescriptorCore::throw_occupied(bool reads) {
    throw std::logic_error{reads ? "coro: two tasks read one descriptor"
                                 : "coro: two tasks write to one descriptor"};
}

void DescriptorCore::occupy(DescriptorWait& wait) {
    check_free(wait);
    if (wait.direction() == DescriptorWait::Direction::read)
        reader_ = &wait;
    else
        writer_ = &wait;
}

void DescriptorCore::ask_to_read() {
    const bool asked = std::exchange(asks_read_, true);
    try {
        renew();
    } catch (...) {
        asks_read_ = asked;
        throw;
    }
}

void DescriptorCore::wait_to_write(DescriptorWait& writer, bool is_full) {
    occupy(writer);
    writer_holds_ = false;
    if (asks_write_ && !is_silent(is_full)) return;
    try {
        renew();
    } catch (...) {
        writer_ = nullptr;
        throw;
    }
}

void DescriptorCore::hold_writer(DescriptorWait& writer) noexcept {
    writer_ = &writer;
    writer_holds_ = true;
}

// On every way out, an exception of a task included, the watch must ask for what is waited for.
class DescriptorCore::Visit {
public:
    explicit Visit(DescriptorCore& core) noexcept : core_{core} {}
    ~Visit() {
        try {
            core_.settle();
        } catch (...) {
            core_.fail_waits();
        }
    }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

private:
    DescriptorCore& core_;
};

void DescriptorCore::on_ready(Readiness ready) {
    const Visit visit{*this};
    armed_ = false;
    if (has(ready, for_reader)) {
        if (reader_ != nullptr)
            reader_->ready(ready);
        else
            nobody_reads(ready);
    }
    if (has(ready, for_writer) && waits_to_write()) writer_->ready(ready);
}

// At level it may be that somebody is about to wait: asking goes on once. A one-shot watch has to
// ask again anyway, and an edge does not come again by itself.
void DescriptorCore::nobody_reads(Readiness ready) {
    unread_ = unread_ | (ready & for_reader);
    if (trigger_ == Trigger::edge || !asks_read_) return;
    if (trigger_ == Trigger::one_shot || std::exchange(ignored_, true)) asks_read_ = false;
}

void DescriptorCore::settle() {
    if (!watch_) return; // given up
    if (trigger_ == Trigger::one_shot) {
        const bool waits = reader_ != nullptr || waits_to_write();
        asks_read_ = asks_read_ || reader_ != nullptr;
        if (waits && !armed_) renew();
    } else {
        const bool no_writer = asks_write_ && !waits_to_write();
        if (no_writer || (!asks_read_ && ignored_)) renew();
    }
}

void DescriptorCore::renew() {
    const bool asks_write = waits_to_write();
    if (asks_read_ || asks_write) {
        watch_.set_interest(!asks_write   ? Interest::read
                            : !asks_read_ ? Interest::write
                                          : Interest::read_write);
        armed_ = true;
    } else {
        watch_.pause();
    }
    asks_write_ = asks_write; // not before the kernel has agreed
    ignored_ = false;
}

void DescriptorCore::fail_waits() noexcept {
    for (DescriptorWait* const wait :
         {std::exchange(reader_, nullptr), std::exchange(writer_, nullptr)}) {
        if (wait == nullptr) continue;
        wait->core_ = nullptr;
        wait->fail(std::current_exception());
        wait->resume_later();
    }
}

} // namespace pollux::coro
