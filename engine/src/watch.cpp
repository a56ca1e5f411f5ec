#include <pollux/watch.hpp>

#include <utility>

#include "loop_core.hpp"

namespace pollux {

Watch::Watch(Watch&& other) noexcept
    : core_{std::exchange(other.core_, nullptr)}, token_{other.token_} {}

Watch& Watch::operator=(Watch&& other) noexcept {
    if (this != &other) {
        stop();
        core_ = std::exchange(other.core_, nullptr);
        token_ = other.token_;
    }
    return *this;
}

Watch::~Watch() { stop(); }

void Watch::stop() noexcept {
    if (LoopCore* const core = std::exchange(core_, nullptr)) core->release(token_);
}

int Watch::fd() const noexcept { return core_ == nullptr ? -1 : core_->find(token_)->fd; }

bool Watch::paused() const noexcept { return core_ != nullptr && core_->find(token_)->paused; }

void Watch::set_interest(Interest interest) {
    if (WatchSlot* const slot = LoopCore::slot_of(*this, "set_interest"))
        core_->set_interest(*slot, token_, interest);
}

void Watch::pause() {
    WatchSlot* const slot = LoopCore::slot_of(*this, "pause");
    if (slot != nullptr && !slot->paused) core_->pause(*slot);
}

void Watch::resume() {
    WatchSlot* const slot = LoopCore::slot_of(*this, "resume");
    if (slot != nullptr && slot->paused) core_->set_interest(*slot, token_, slot->interest);
}

void Watch::rearm() {
    if (WatchSlot* const slot = LoopCore::slot_of(*this, "rearm"))
        core_->set_interest(*slot, token_, slot->interest);
}

void Watch::again(Readiness ready) {
    WatchSlot* const slot = LoopCore::slot_of(*this, "again");
    if (slot != nullptr && !slot->paused) core_->put_on_ready_list(*slot, token_, ready);
}

} // namespace pollux
