#pragma once

#include <cstddef>
#include <memory>
#include <pollux/bytes.hpp>
#include <pollux/function.hpp>
#include <pollux/net/address.hpp>
#include <string_view>

namespace pollux {

class SessionLink;
class Service;

/// What a `SocketServer` does for one client: one is made for each connection, and of a datagram
/// server for each datagram. It is called by one thread at a time, in every model. Its destructor
/// is the end of the conversation, whatever ended it.
///
/// It never waits for its client: it is called when something came, and what it sends leaves by
/// itself. So one handler serves in all models.
///
///     class Upper final : public pollux::Session {
///         std::size_t on_data(pollux::ByteView bytes) override {
///             send(upper(bytes));
///             return bytes.size();
///         }
///     };
///
/// An exception ends the conversation of its own client only, at once, and goes to
/// `SocketServerOptions::on_error`.
class Session {
public:
    Session() noexcept = default;
    virtual ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// The client is there. Nothing has been read yet.
    virtual void on_open() {}

    /// Data came. Returns how many bytes it took, from the front, never more than there are
    /// (assert). The rest is kept and offered again, in front of what follows; more of it than
    /// `SocketServerOptions::input_limit` ends the conversation. Of a datagram server: the whole
    /// datagram, which may be empty; what is not taken is gone.
    virtual std::size_t on_data(ByteView bytes) = 0;

    /// The client ended its side; what was not taken is lost. What this sends is still delivered,
    /// and then the conversation is over. Not called for datagrams, nor when the connection broke.
    virtual void on_end() {}

    /// The next three are for the calls above, and nowhere else (not in the destructor).
    ///
    /// Sends all of it, in order, after all that was sent before. On a datagram server each call
    /// answers with one datagram, from the server's own address. False, and nothing is sent: after
    /// `close`, when the connection is broken, or when the datagram could not be sent now.
    bool send(ByteView bytes);
    bool send(std::string_view text) { return send(bytes_of(text)); }
    /// Ends the conversation in good order: what was sent arrives. Nothing more is read.
    void close();
    /// Who it is; unnamed for a Unix client that did not bind. Of a stream that is a system call,
    /// and it throws as `Socket::peer`.
    Address peer() const;

private:
    friend class Service;
    SessionLink* link_ = nullptr;
};

/// Makes the session of a client. It is called in the thread or process that serves the client, but
/// one call at a time.
using SessionFactory = UniqueFunction<std::unique_ptr<Session>()>;

/// A handler without state of its own: `Session::on_data` as a function. It is one for all clients,
/// and several threads call it at once in the models that have several.
using SessionFunction = UniqueFunction<std::size_t(Session&, ByteView)>;

} // namespace pollux
