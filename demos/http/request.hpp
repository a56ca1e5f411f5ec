#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace demos::http {

enum class Method : std::uint8_t { get, head, post, put, options, other };

/// As in a request; "other" for one that this server does not know.
constexpr std::string_view to_string(Method method) {
    switch (method) {
    case Method::get:
        return "GET";
    case Method::head:
        return "HEAD";
    case Method::post:
        return "POST";
    case Method::put:
        return "PUT";
    case Method::options:
        return "OPTIONS";
    case Method::other:
        break;
    }
    return "other";
}

/// The head of a request, as far as this server looks at it. The texts are where the reader has
/// them; one that is empty was not there.
struct Request {
    Method method = Method::other;
    /// As it came, not decoded: "/…", or "*" of OPTIONS. May be empty where the method is not
    /// known.
    std::string_view path;
    std::string_view query; ///< Behind the "?".
    bool is_1_1 = false;    ///< HTTP/1.1; else HTTP/1.0.
    bool keep_alive = false;
    bool expects_continue = false;
    bool chunked = false;
    std::optional<std::uint64_t> content_length;

    std::string_view host;
    std::string_view content_type;
    std::string_view range;
    std::string_view if_range;
    std::string_view if_none_match;
    std::string_view if_modified_since;

    bool has_body() const { return chunked || content_length.value_or(0) > 0; }
};

} // namespace demos::http
