#include <pollux/stream/connection.hpp>

#include <array>
#include <utility>

#include "stream/connection_set_core.hpp"

namespace pollux {

std::string_view to_string(CloseReason reason) noexcept {
    static constexpr std::array<std::string_view, close_reasons> names{
        "closed",   "peer",         "error",       "aborted",   "idle",
        "deadline", "output_limit", "input_limit", "exception", "stopped"};
    const auto place = static_cast<std::size_t>(reason);
    return place < names.size() ? names[place] : "?";
}

Connection::Connection() noexcept = default;
Connection::~Connection() = default;

ConnectionId Connection::id() const noexcept {
    return static_cast<ConnectionId>(std::uint64_t{generation} << 32 | index);
}
EventLoop& Connection::loop() const noexcept { return set_->loop(); }

// What a handler sends to its own peer is mostly small: then this is all there is to do.
bool Connection::send(ByteView bytes) {
    return set_->gather(*this, bytes) || set_->send(*this, bytes);
}
std::uint64_t Connection::queued() const noexcept { return set_->unsent(*this); }
bool Connection::send_file(Fd file, std::uint64_t offset, std::uint64_t count) {
    return set_->send_file(*this, {.file = std::move(file), .offset = offset, .left = count});
}
void Connection::admit() { set_->admit(*this); }
void Connection::close() { set_->close(*this, CloseReason::closed); }
void Connection::abort() { set_->abort(*this, {CloseReason::aborted}); }
void Connection::end() { set_->end(*this); }
void Connection::pause_reading() { set_->pause_reading(*this); }
void Connection::resume_reading() { set_->resume_reading(*this); }
void Connection::set_deadline(Clock::time_point when) { set_->set_deadline(*this, when); }

} // namespace pollux
