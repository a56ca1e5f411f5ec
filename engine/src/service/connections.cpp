#include "service/connections.hpp"

#include <limits>
#include <memory>
#include <utility>

#include "service/dialogue.hpp"
#include "service/session_link.hpp"

namespace pollux {
namespace {

class ConnectionLink final : public SessionLink {
public:
    ConnectionLink(Service& service, Connection& connection)
        : connection_{connection}, session_{service.make_session(*this)} {}

    Session& session() noexcept { return *session_; }

    bool send(ByteView bytes) override { return connection_.send(bytes); }
    void close() override {
        closed_ = true;
        connection_.close(); // this may be gone now
    }
    Address peer() const override { return connection_.peer(); }

    std::size_t on_data(ByteView bytes) {
        const std::size_t taken = session_->on_data(bytes);
        if (is_last_) close();
        return taken;
    }

    // What has arrived is offered to the session by the loop, and then it is over.
    void end() {
        if (has_input(connection_.socket()))
            is_last_ = true;
        else if (!closed_)
            close();
        else if (connection_.queued() == 0 && is_settled(connection_.socket()))
            connection_.abort();
    }

private:
    static bool has_input(Socket& socket) noexcept {
        std::byte byte{};
        return socket.receive({&byte, 1}, MSG_PEEK).state != IoState::would_block;
    }

    Connection& connection_;
    bool is_last_ = false;
    bool closed_ = false;
    std::unique_ptr<Session> session_;
};

ConnectionLink& link_of(Connection& connection) {
    return *static_cast<ConnectionLink*>(connection.user);
}

ConnectionHandlers handlers_of(Service& service) {
    return {.on_open =
                [&service](Connection& connection) {
                    auto link = std::make_unique<ConnectionLink>(service, connection);
                    connection.user = link.get();
                    link.release()->session().on_open();
                },
            .on_data = [](Connection& connection,
                          ByteView bytes) { return link_of(connection).on_data(bytes); },
            .on_end =
                [](Connection& connection) {
                    link_of(connection).session().on_end();
                    link_of(connection).close();
                },
            .on_close =
                [](Connection& connection, const Closed&) {
                    const std::unique_ptr<ConnectionLink> last{
                        static_cast<ConnectionLink*>(connection.user)}; // null: none was made
                },
            .on_error =
                [&service](const std::exception_ptr& failure) {
                    try {
                        std::rethrow_exception(failure);
                    } catch (...) {
                        service.report_failure();
                    }
                }};
}

ConnectionOptions options_of(const SocketServerOptions& options) {
    // Nothing is read from who does not take what was sent, so there is no more of it than a
    // session sends at once: what it likes, in every model.
    return {.trigger = options.trigger,
            .output_limit = std::numeric_limits<std::size_t>::max(),
            .input_limit = options.input_limit,
            .waiting_limit = std::numeric_limits<std::size_t>::max(),
            .idle_timeout = options.idle_timeout,
            .message_timeout = Clock::duration::max(), // as in the other models
            .linger_timeout = options.drain_timeout};
}

} // namespace

SessionsOnLoop::SessionsOnLoop(Service& service, EventLoop& loop, Task on_gone)
    : service_{service},
      loop_{loop},
      on_gone_{std::move(on_gone)},
      connections_{loop, handlers_of(service), options_of(service.options())} {
    if (on_gone_) connections_.set_on_gone([this] { on_gone_(); });
}

// The kernel or the allocator refuses; what a session throws does not come here.
void SessionsOnLoop::adopt(Socket client) noexcept {
    try {
        connections_.adopt(std::move(client));
    } catch (const std::exception&) {
        service_.count_shed();
        if (on_gone_) on_gone_();
    }
}

void SessionsOnLoop::end() {
    connections_.for_each([](Connection& connection) { link_of(connection).end(); });
    look_again_ = loop_.run_after(settled_look, [this] { end(); });
}

} // namespace pollux
