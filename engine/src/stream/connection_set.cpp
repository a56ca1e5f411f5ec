#include <pollux/stream/connection_set.hpp>

#include <utility>

#include "stream/connection_set_core.hpp"

namespace pollux {

// Stands here because g++ 12, where it sees this, takes every end of a nested visit for the last.
void ConnectionSetCore::end() noexcept { delete this; }

ConnectionSet::ConnectionSet(EventLoop& loop, ConnectionHandlers handlers,
                             ConnectionOptions options)
    : core_{new ConnectionSetCore{loop, std::move(handlers), options}} {}
ConnectionSet::~ConnectionSet() { core_->abandon(); }

ConnectionId ConnectionSet::adopt(Socket socket) { return core_->adopt(std::move(socket)); }
ConnectionId ConnectionSet::connect(const Address& address, Clock::duration timeout) {
    return core_->connect(address, timeout);
}
Connection* ConnectionSet::find(ConnectionId id) noexcept { return core_->find(id); }
std::size_t ConnectionSet::waiting() const noexcept { return core_->waiting(); }
std::size_t ConnectionSet::size() const noexcept { return core_->size(); }
void ConnectionSet::visit_each(UniqueFunction<void(Connection&)> visit) { core_->for_each(visit); }
void ConnectionSet::set_on_gone(Task on_gone) { core_->set_on_gone(std::move(on_gone)); }
const ConnectionStats& ConnectionSet::stats() const noexcept { return core_->stats(); }
EventLoop& ConnectionSet::loop() const noexcept { return core_->loop(); }

} // namespace pollux
