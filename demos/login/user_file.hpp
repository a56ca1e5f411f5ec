#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace demos {

/// Who may log in: a file with one line for each user, `NAME:HASH`. It is read anew for each check,
/// so users added meanwhile count at once.
class UserFile {
public:
    /// Reads it once. Throws as `check`.
    explicit UserFile(std::string path);

    struct Verdict {
        bool right = false;
        std::uint64_t hashed = 0; ///< Passwords hashed: always one, whoever asks.
    };
    /// Does the same work for a user who is not there. From any thread; takes long. Throws
    /// `std::system_error` when the file cannot be read, `std::runtime_error` when a line of it is
    /// malformed; both name the file.
    Verdict check(const std::string& name, const std::string& password) const;

    /// Adds a user. The file is replaced as a whole, so a reader sees the old one or the new one;
    /// it is made when there is none, readable by its owner alone. Throws `std::invalid_argument`
    /// for a name that is taken, or is not 1 to 64 bytes of UTF-8 without `:` and control
    /// characters; as `hash_password`; and as `check`.
    static void add(const std::string& path, const std::string& name, const std::string& password);

private:
    std::string path_;
    std::string hash_of_nobody_;
};

} // namespace demos
