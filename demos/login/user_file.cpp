#include "user_file.hpp"

#include "common/text.hpp"
#include "password.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <pollux/fd.hpp>
#include <stdexcept>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace demos {

using pollux::Fd;

namespace {

using Hashes = std::map<std::string, std::string>;

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error{errno, std::generic_category(), what};
}

std::string read_all(int fd, const std::string& path) {
    std::string text;
    std::array<char, 4096> part{};
    while (true) {
        const ssize_t count = ::read(fd, part.data(), part.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail("file of users " + path);
        if (count == 0) return text;
        text.append(part.data(), static_cast<std::size_t>(count));
    }
}

Hashes parse(std::string_view text, const std::string& path) {
    Hashes hashes;
    std::size_t number = 0;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        ++number;
        const std::size_t colon = line.find(':');
        const bool fits = colon != std::string_view::npos &&
                          is_password_hash(std::string{line.substr(colon + 1)});
        if (!fits)
            throw std::runtime_error{"file of users " + path + ": line " + std::to_string(number) +
                                     " is not NAME:HASH"};
        hashes.emplace(line.substr(0, colon), line.substr(colon + 1));
    }
    return hashes;
}

Hashes read_hashes(const std::string& path) {
    const Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file) fail("file of users " + path);
    return parse(read_all(file.get(), path), path);
}

// The file, made when there is none, and ours alone until the descriptor is closed. Whoever waits
// for the lock gets it when the file has been replaced: then the lock is on the old one.
Fd lock(const std::string& path) {
    while (true) {
        Fd file{::open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0600)};
        if (!file) fail("file of users " + path);
        struct stat locked {};
        struct stat named {};
        if (::flock(file.get(), LOCK_EX) != 0 || ::fstat(file.get(), &locked) != 0)
            fail("file of users " + path);
        if (::stat(path.c_str(), &named) == 0 && named.st_ino == locked.st_ino &&
            named.st_dev == locked.st_dev)
            return file;
    }
}

void write_all(int fd, std::string_view text, const std::string& path) {
    while (!text.empty()) {
        const ssize_t count = ::write(fd, text.data(), text.size());
        if (count < 0 && errno != EINTR) fail(path);
        if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
    }
}

void replace(const std::string& path, std::string_view text) {
    std::string other = path + ".XXXXXX";
    const Fd file{::mkostemp(other.data(), O_CLOEXEC)}; // of mode 0600
    if (!file) fail(other);
    try {
        write_all(file.get(), text, other);
        if (::fsync(file.get()) != 0) fail(other);
        if (::rename(other.c_str(), path.c_str()) != 0) fail(path);
    } catch (...) {
        ::unlink(other.c_str());
        throw;
    }
}

bool can_be_name(const std::string& name) {
    constexpr std::size_t longest = 64;
    return !name.empty() && name.size() <= longest && harmless(name) == name &&
           name.find(':') == std::string::npos;
}

} // namespace

UserFile::UserFile(std::string path)
    : path_{std::move(path)}, hash_of_nobody_{hash_password("nobody")} {
    static_cast<void>(read_hashes(path_));
}

UserFile::Verdict UserFile::check(const std::string& name, const std::string& password) const {
    const Hashes hashes = read_hashes(path_);
    const auto user = hashes.find(name);
    const bool known = user != hashes.end();
    const bool fits = password_fits(password, known ? user->second : hash_of_nobody_);
    return {.right = known && fits, .hashed = 1};
}

void UserFile::add(const std::string& path, const std::string& name, const std::string& password) {
    if (!can_be_name(name))
        throw std::invalid_argument{
            "a user name has 1 to 64 bytes of UTF-8, without ':' and control characters"};
    const std::string hash = hash_password(password);
    const Fd locked = lock(path);
    std::string text = read_all(locked.get(), path);
    if (!text.empty() && text.back() != '\n') text += '\n';
    if (parse(text, path).contains(name))
        throw std::invalid_argument{"there is a user '" + name + "' already in " + path};
    text += name;
    text += ':';
    text += hash;
    text += '\n';
    replace(path, text);
}

} // namespace demos
