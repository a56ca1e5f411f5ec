#include "upload_directory.hpp"

#include "text.hpp"

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pollux/error.hpp>
#include <stdexcept>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

namespace demos {

using namespace pollux;

namespace {

constexpr mode_t mode = 0644; // less what the umask takes

std::string temporary_name() {
    std::uint64_t number = 0;
    check(static_cast<int>(::getrandom(&number, sizeof number, 0)), "getrandom");
    return ".upload-" + std::to_string(number);
}

// What close would report (EIO, ENOSPC and EDQUOT of a network file system) while the file has no
// name yet: closing a duplicate flushes it just the same.
void flush(int file) { check(::close(check(::fcntl(file, F_DUPFD_CLOEXEC, 0), "dup")), "close"); }

bool gives_name(int result, const char* call, const std::string& name) {
    if (result < 0 && errno == EEXIST) return false;
    check(result, call, name);
    return true;
}

} // namespace

bool is_upload_name(std::string_view name) {
    return !name.empty() && name.size() <= 255 && name.front() != '.' &&
           name.find_first_of("/\\") == std::string_view::npos && harmless(name) == name;
}

NewFile::NewFile(NewFile&& other) noexcept
    : directory_{std::move(other.directory_)},
      file_{std::move(other.file_)},
      temporary_{std::exchange(other.temporary_, {})} {}

NewFile& NewFile::operator=(NewFile&& other) noexcept {
    if (this == &other) return *this;
    remove_temporary();
    directory_ = std::move(other.directory_);
    file_ = std::move(other.file_);
    temporary_ = std::exchange(other.temporary_, {});
    return *this;
}

void NewFile::remove_temporary() noexcept {
    if (!temporary_.empty()) ::unlinkat(directory_->get(), temporary_.c_str(), 0);
    temporary_.clear();
}

UploadDirectory::UploadDirectory(const std::string& path) : path_{path} {
    if (path.empty()) throw std::invalid_argument{"the directory for files is missing"};
    Fd opened{check(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open", path)};
    directory_ = std::make_shared<const Fd>(std::move(opened));
}

bool UploadDirectory::has(const std::string& name) const noexcept {
    struct stat ignored {};
    return ::fstatat(directory_->get(), name.c_str(), &ignored, AT_SYMLINK_NOFOLLOW) == 0;
}

NewFile UploadDirectory::create() const {
    NewFile file;
    file.directory_ = directory_;
    file.file_.reset(::openat(directory_->get(), ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, mode));
    if (file.file_) return file;
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
        throw_system_error(errno, "open", "a new file in " + path_);
    const std::string temporary = temporary_name();
    file.file_.reset(check(::openat(directory_->get(), temporary.c_str(),
                                    O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, mode),
                           "open", "a new file in " + path_));
    file.temporary_ = temporary;
    return file;
}

bool UploadDirectory::publish(NewFile file, const std::string& name) const {
    flush(file.fd());
    if (file.temporary_.empty()) {
        const std::string nameless = "/proc/self/fd/" + std::to_string(file.fd());
        return gives_name(::linkat(AT_FDCWD, nameless.c_str(), directory_->get(), name.c_str(),
                                   AT_SYMLINK_FOLLOW),
                          "linkat", name);
    }
    const char* const temporary = file.temporary_.c_str();
    const int renamed = ::renameat2(directory_->get(), temporary, directory_->get(), name.c_str(),
                                    RENAME_NOREPLACE);
    if (renamed == 0) {
        file.temporary_.clear();
        return true;
    }
    // Network file systems do not know that flag; a hard link replaces nothing either.
    if (errno != EINVAL) return gives_name(renamed, "renameat2", name);
    return gives_name(::linkat(directory_->get(), temporary, directory_->get(), name.c_str(), 0),
                      "linkat", name);
}

Fd UploadDirectory::open(const std::string& path) const {
    open_how how{};
    how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK; // a FIFO must not make the opener wait
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    return Fd{check(
        static_cast<int>(::syscall(SYS_openat2, directory_->get(), path.c_str(), &how, sizeof how)),
        "openat2", path)};
}

void UploadDirectory::sync() const { check(::fsync(directory_->get()), "fsync"); }

} // namespace demos
