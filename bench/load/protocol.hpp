#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "options.hpp"

namespace load {

/// What some bytes of a connection completed.
struct Answers {
    std::uint64_t complete = 0;
    std::uint64_t errors = 0; ///< Among them: answers that say that something was wrong.
    bool closes = false;      ///< After the last of them the server will close.
};

/// What requests look like and where answers end. Requests are all of one size, so that a position
/// in the stream says which byte is to be sent. Connections have numbers; what was made of the
/// bytes of each until now is kept here.
class Protocol {
public:
    Protocol() = default;
    Protocol(const Protocol&) = delete;
    Protocol& operator=(const Protocol&) = delete;
    virtual ~Protocol() = default;

    virtual std::size_t request_size() const noexcept = 0;

    /// Some bytes, at least one, of the stream of requests from this position on.
    virtual std::span<const char> request_from(std::uint64_t position) const noexcept = 0;

    /// A new connection stands in the place of this one.
    virtual void restart(std::size_t index) = 0;

    /// What has come after so many bytes were sent. Throws `Failure` when it is no answer to them.
    virtual Answers take(std::size_t index, std::uint64_t sent, std::span<const char> bytes) = 0;

    /// How much has come of the answer that is waited for, such as "63 of 64 bytes".
    virtual std::string so_far(std::size_t index) const = 0;

    /// The server has ended its stream, which may be the end of an answer.
    virtual Answers end(std::size_t /*index*/) { return {}; }

    /// Whether the server may close here, and a request without an answer is asked again.
    virtual bool may_close(std::size_t /*index*/) const noexcept { return false; }
};

std::unique_ptr<Protocol> make_protocol(const Options& options);

} // namespace load
