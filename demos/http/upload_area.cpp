#include "upload_area.hpp"

#include <cerrno>
#include <csignal>
#include <system_error>
#include <unistd.h>

namespace demos::http {

UploadArea::UploadArea(const std::string& directory, std::uint64_t quota)
    : directory_{directory}, left_{quota} {
    std::signal(SIGXFSZ, SIG_IGN); // a file that grows too large is an error of write
}

UploadArea::Outcome UploadArea::keep(const std::string& name, std::string_view content) {
    if (!is_upload_name(name)) return {400, "not kept: no name for a file"};
    if (!take_from_quota(content.size())) return {507, "not kept: over the quota"};
    const Outcome outcome = write(name, content);
    if (outcome.status != 201) give_back(content.size());
    return outcome;
}

UploadArea::Outcome UploadArea::write(const std::string& name, std::string_view content) const {
    constexpr Outcome taken{409, "not kept: the name is taken"};
    try {
        if (directory_.has(name)) return taken;
        NewFile file = directory_.create();
        while (!content.empty()) {
            const ssize_t written = ::write(file.fd(), content.data(), content.size());
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) return {507, "not kept: the disk refused"};
            content.remove_prefix(static_cast<std::size_t>(written));
        }
        return directory_.publish(std::move(file), name) ? Outcome{201, "kept"} : taken;
    } catch (const std::system_error&) {
        return {507, "not kept: the disk refused"};
    }
}

bool UploadArea::take_from_quota(std::uint64_t size) {
    const std::lock_guard lock{mutex_};
    if (size > left_) return false;
    left_ -= size;
    return true;
}

void UploadArea::give_back(std::uint64_t size) {
    const std::lock_guard lock{mutex_};
    left_ += size;
}

} // namespace demos::http
