#pragma once

#include "secret.hpp"

#include <optional>
#include <pollux/stream/framing.hpp>
#include <string>
#include <string_view>

namespace demos {

// What goes over the wire.
inline constexpr std::string_view login_greeting = "欢迎使用XX系统";
inline constexpr std::string_view login_right = "登陆成功";
inline constexpr std::string_view login_wrong = "账号或密码错误";

/// What the client says: one JSON object (RFC 8259), `{"username": …, "password": …}`.
struct Login {
    std::string name;
    Secret password;

    /// Empty when the text is no such object. Other members are not looked at.
    static std::optional<Login> parse(std::string_view text);
    /// Throws `std::invalid_argument` when name or password is not UTF-8.
    std::string to_json() const;
};

/// Finds the end of a JSON object: by its braces alone, so the message may be malformed still.
class ObjectFraming {
public:
    /// `limit`: bytes of the object and of the white space before it.
    explicit ObjectFraming(std::size_t limit) noexcept : limit_{limit} {}
    pollux::Frame first(pollux::ByteView bytes) const noexcept;

private:
    std::size_t limit_;
};

/// Whether the text begins as an object does, if it is more than white space.
bool begins_an_object(std::string_view text) noexcept;

} // namespace demos
