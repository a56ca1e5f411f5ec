#pragma once

#include <memory>
#include <pollux/fd.hpp>
#include <string>
#include <string_view>

namespace demos {

/// Whether a name that a peer chose may become a file: 1 to 255 bytes of UTF-8, no `/` or `\`, no
/// control character, no dot in front (which are `.`, `..`, hidden files and our own temporary
/// ones). Nothing is decoded: `%2e%2e` is a name like any other.
bool is_upload_name(std::string_view name);

/// A new file of an `UploadDirectory`: it has no name until it is complete.
class NewFile {
public:
    NewFile() = default;
    NewFile(NewFile&& other) noexcept;
    NewFile& operator=(NewFile&& other) noexcept;
    ~NewFile() { remove_temporary(); }

    explicit operator bool() const noexcept { return static_cast<bool>(file_); }
    int fd() const noexcept { return file_.get(); }

private:
    friend class UploadDirectory;
    void remove_temporary() noexcept;

    std::shared_ptr<const pollux::Fd> directory_;
    pollux::Fd file_;
    std::string temporary_; // empty: the kernel removes it (O_TMPFILE)
};

/// A directory that files of strangers are put in. It is opened once; whatever happens to its path
/// then, files stay in it. No symbolic link in it is followed or replaced, and no file either. May
/// be used from several threads at once.
class UploadDirectory {
public:
    /// Throws `std::system_error`, and `std::invalid_argument` when `path` is empty.
    explicit UploadDirectory(const std::string& path);

    /// Whether something, a dangling link included, has that name.
    bool has(const std::string& name) const noexcept;

    /// A file to be written, empty. Where the file system can (O_TMPFILE) it has no name at all and
    /// is gone with the process, however that ends; elsewhere it has a temporary name that begins
    /// with a dot, and a process that is killed leaves it. Throws `std::system_error`.
    NewFile create() const;

    /// Gives it its name. False when the name is taken; nothing is changed then. Throws
    /// `std::system_error`; an error that close(2) would report comes here too, before the name
    /// appears.
    bool publish(NewFile file, const std::string& name) const;

    /// A file or directory below this one, to be read. Throws `std::system_error`: EXDEV when
    /// `path` leads out of it, ELOOP when there is a symbolic link on the way (openat2(2)).
    pollux::Fd open(const std::string& path) const;

    /// After `publish`, so that the name outlives a power cut too (fsync(2)). Throws
    /// `std::system_error`.
    void sync() const;

private:
    std::string path_; // for messages
    std::shared_ptr<const pollux::Fd> directory_;
};

} // namespace demos
