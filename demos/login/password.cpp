#include "password.hpp"

#include <cerrno>
#include <crypt.h>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <system_error>

namespace demos {
namespace {

struct Wiped {
    void operator()(crypt_data* work) const noexcept {
        ::explicit_bzero(work, sizeof *work);
        delete work;
    }
};

// Throws when the hash cannot be made: for want of memory, or because the setting is none.
std::string crypt_with(const std::string& password, const std::string& setting) {
    const std::unique_ptr<crypt_data, Wiped> work{new crypt_data{}};
    const char* const hash = ::crypt_r(password.c_str(), setting.c_str(), work.get());
    if (hash == nullptr || *hash == '*')
        throw std::system_error{errno, std::generic_category(), "crypt_r"};
    return hash;
}

bool same(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) return false; // the length of a hash is no secret
    unsigned difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        difference |= static_cast<unsigned char>(a[i]) ^
                      static_cast<unsigned>(static_cast<unsigned char>(b[i]));
        asm volatile("" : "+r"(difference)); // so that the compiler does not end early either
    }
    return difference == 0;
}

} // namespace

bool can_be_password(const std::string& text) noexcept {
    return !text.empty() && text.size() < CRYPT_MAX_PASSPHRASE_SIZE &&
           text.find('\0') == std::string::npos;
}

std::string hash_password(const std::string& password) {
    if (!can_be_password(password))
        throw std::invalid_argument{"a password has 1 to 511 bytes, none of them zero"};
    const std::unique_ptr<char, decltype(&std::free)> setting{
        ::crypt_gensalt_ra("$y$", 0, nullptr, 0), &std::free};
    if (!setting) throw std::system_error{errno, std::generic_category(), "crypt_gensalt_ra"};
    return crypt_with(password, setting.get());
}

bool is_password_hash(const std::string& text) noexcept {
    return ::crypt_checksalt(text.c_str()) == CRYPT_SALT_OK;
}

bool password_fits(const std::string& password, const std::string& hash) {
    // A zero would hide what follows it, and too long a password would not be hashed at all.
    const bool possible = can_be_password(password);
    return same(crypt_with(possible ? password : "?", hash), hash) && possible;
}

} // namespace demos
