#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace load {

/// Finds where an answer of HTTP/1.x to a GET ends (RFC 9112), as its bytes come. Strict: what two
/// readers might understand differently throws `Failure`, for such a server is not measured but
/// mended.
class HttpAnswer {
public:
    /// Takes bytes up to the end of the answer and says how many those were.
    std::size_t take(std::span<const char> bytes);

    bool complete() const noexcept { return part_ == Part::complete; }
    int status() const noexcept { return status_; }
    /// Whether the server closes the connection after this one.
    bool closes() const noexcept { return closes_; }

    /// Whether nothing of it has come yet.
    bool untouched() const noexcept { return part_ == Part::status_line && line_.empty(); }
    /// Whether the end of the stream is the end of the answer.
    bool ends_with_stream() const noexcept { return part_ == Part::until_end; }

    /// For the next answer.
    void restart() noexcept;

private:
    enum class Part : std::uint8_t {
        status_line,
        field,
        body,
        until_end,
        chunk_size,
        chunk,
        chunk_end,
        trailer,
        complete
    };

    bool is_in_lines() const noexcept;
    std::size_t take_line(std::string_view bytes);
    std::size_t take_body(std::size_t available) noexcept;
    void take_whole_line(std::string_view line);
    void take_status_line(std::string_view line);
    void take_field(std::string_view line);
    void take_length(std::string_view value);
    void take_chunk_size(std::string_view line);
    void end_head();

    Part part_ = Part::status_line;
    int status_ = 0;
    bool closes_ = false;
    bool chunked_ = false;
    bool has_length_ = false;
    std::uint64_t left_ = 0;   // of the body or of a chunk
    std::size_t in_lines_ = 0; // bytes of the head, and what stands around chunks
    std::string line_;         // as far as it has come
};

} // namespace load
