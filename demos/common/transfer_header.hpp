#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace demos {

/// What goes before a text or a file in the protocol of transfer_server: a JSON object (RFC 8259),
/// `{"msg_type":"msg"}` or `{"msg_type":"file","file_name":"…"}`. Other members are ignored.
struct TransferHeader {
    enum class Kind : std::uint8_t {
        message,
        file,
        malformed, ///< It is no JSON.
        unknown,   ///< It is JSON, but neither of these.
    };
    Kind kind = Kind::malformed;
    std::string file_name{};

    static TransferHeader parse(std::string_view json);
    /// Of a message or a file. Throws `std::invalid_argument` when the name is not UTF-8.
    std::string to_json() const;
};

} // namespace demos
