#pragma once

#include "head_scan.hpp"
#include "request.hpp"

#include <cstdint>
#include <memory>
#include <pollux/bytes.hpp>
#include <string>
#include <string_view>

namespace demos::http {

/// Reads the requests of one connection from the bytes as they come: an incremental reader, with
/// the same result however they are cut. What RFC 9112 leaves to the goodwill of the receiver it
/// refuses: two servers in a row that read one request differently can be tricked with it (request
/// smuggling).
///
/// The grammar is read by Boost.Beast's parser. Only request_reader.cpp includes that.
class RequestReader {
public:
    struct Limits {
        HeadScan::Limits head{};
        std::size_t fields = 100;
        std::uint64_t body = std::uint64_t{8} << 20;
    };

    struct Step {
        enum class What : std::uint8_t {
            partial, ///< More must come.
            head,    ///< `request` is there. Without a body that was all of it.
            body,    ///< `body` is the next piece of its body.
            done,    ///< The body was complete.
            refused, ///< `status` is the answer; nothing more can be read from this connection.
        };
        What what = What::partial;
        std::size_t taken = 0; ///< Bytes that are done with.
        std::string_view body{};
        int status = 0;
        std::string_view reason{};
    };

    explicit RequestReader(const Limits& limits);
    ~RequestReader();
    RequestReader(const RequestReader&) = delete;
    RequestReader& operator=(const RequestReader&) = delete;

    /// Takes one step. `bytes` are those behind what the last step took; what was not taken comes
    /// again, with more behind it.
    Step next(pollux::ByteView bytes);

    /// Valid while the bytes of its head are there; with a body, until that is done.
    const Request& request() const { return request_; }
    bool in_body() const { return in_body_; }

private:
    struct Parser;
    Step read_head(std::string_view bytes);
    Step parse_head(Parser& parser, std::string_view head);
    Step read_body(std::string_view bytes);

    const Limits& limits_;
    HeadScan scan_;
    Request request_;
    bool in_body_ = false;
    std::string kept_head_; // of a request whose body may come later
    std::unique_ptr<Parser> parser_;
};

} // namespace demos::http
