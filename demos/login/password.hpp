#pragma once

// Passwords hashed by libxcrypt's yescrypt (crypt(5)). These calls take long and much memory, on
// purpose: not for the loop's thread.

#include <string>

namespace demos {

/// Whether crypt(3) can hash it: 1 to 511 bytes, none of them zero.
bool can_be_password(const std::string& text) noexcept;

/// With a fresh salt, at the library's own cost. Throws `std::invalid_argument` for what cannot be
/// a password, `std::system_error` when the system has no random bytes or memory.
std::string hash_password(const std::string& password);

/// Whether it is a hash that `password_fits` can compare with.
bool is_password_hash(const std::string& text) noexcept;

/// Does the same work whatever the password is: one hash, and a comparison that does not end early.
bool password_fits(const std::string& password, const std::string& hash);

} // namespace demos
