#include <pollux/coro/descriptor.hpp>

#include <cerrno>
#include <system_error>
#include <utility>

#include "coro/descriptor_core.hpp"

namespace pollux::coro {

void DescriptorWait::leave() noexcept { std::exchange(core_, nullptr)->forget(*this); }

bool DescriptorWait::give_up() noexcept {
    done();
    return true;
}

// Nobody else takes its place, and it goes on when the kernel tells before the loop does.
void DescriptorWait::put_off() { core_->occupy(*this); }

bool BecomesReady::start() {
    if (direction() == Direction::write) {
        core()->wait_to_write(*this, false);
        return true;
    }
    core()->check_free(*this);
    ready_ = core()->take_unread();
    if (ready_ != Readiness::none) return false;
    core()->wait_to_read(*this, false);
    return true;
}

void BecomesReady::ready(Readiness what) {
    ready_ = what;
    done();
    resume();
}

void BecomesReady::abandoned() noexcept {
    fail(std::make_exception_ptr(
        std::system_error{EBADF, std::generic_category(), "coro::Descriptor"}));
}

Descriptor::Descriptor(EventLoop& loop, int fd, Trigger trigger)
    : core_{std::make_shared<DescriptorCore>()} {
    DescriptorCore::open(core_, loop, fd, trigger);
}

Descriptor::~Descriptor() {
    if (core_ != nullptr) core_->close();
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
    const Descriptor former{std::move(*this)};
    core_ = std::move(other.core_);
    return *this;
}

BecomesReady Descriptor::readable() const noexcept {
    return {*core_, BecomesReady::Direction::read};
}
BecomesReady Descriptor::writable() const noexcept {
    return {*core_, BecomesReady::Direction::write};
}

int Descriptor::fd() const noexcept { return core_->fd(); }

} // namespace pollux::coro
