#include "static_files.hpp"

#include "byte_range.hpp"
#include "escaping.hpp"
#include "listing.hpp"
#include "media_types.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pollux/error.hpp>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace demos::http {

using namespace pollux;

namespace {

// What others put there may do what a page does, but not as a page of ours.
constexpr std::string_view foreign_content =
    "sandbox allow-scripts; default-src 'self' 'unsafe-inline' data:; frame-ancestors 'none'";

// The name below the root, or nothing: what no name can be, hidden files, and what somebody might
// take for a separator.
std::optional<std::string> name_of(std::string_view path) {
    const std::string_view encoded_slash = "%2f";
    for (std::size_t i = 0; i + 2 < path.size(); ++i)
        if (path.substr(i, 2) == encoded_slash.substr(0, 2) && (path[i + 2] | 0x20) == 'f')
            return std::nullopt;
    std::optional<std::string> name = percent_decoded(path);
    if (!name || name->find('\0') != std::string::npos || name->find('\\') != std::string::npos ||
        name->starts_with('.') || name->starts_with('/') || name->find("/.") != std::string::npos ||
        name->find("//") != std::string::npos)
        return std::nullopt;
    return name;
}

std::string entity_tag(const struct stat& file) {
    std::array<char, 64> text{};
    const int size = std::snprintf(text.data(), text.size(), "\"%llx-%llx%08lx-%llx\"",
                                   static_cast<unsigned long long>(file.st_ino),
                                   static_cast<unsigned long long>(file.st_mtim.tv_sec),
                                   static_cast<unsigned long>(file.st_mtim.tv_nsec),
                                   static_cast<unsigned long long>(file.st_size));
    return {text.data(), static_cast<std::size_t>(size)};
}

// RFC 9110, 13.2.2: the tag decides, and only without one the time.
bool is_unchanged(const Request& request, const std::string& tag, std::time_t modified) {
    if (!request.if_none_match.empty())
        return request.if_none_match == "*" ||
               request.if_none_match.find(tag) != std::string_view::npos;
    if (request.if_modified_since.empty()) return false;
    const auto since = parse_http_date(std::string{request.if_modified_since});
    return since && modified <= *since;
}

Response regular_file(const Request& request, const std::string& name, Fd file,
                      const struct stat& status) {
    const std::string tag = entity_tag(status);
    const std::string modified = http_date(status.st_mtim.tv_sec);
    Response response{.type = media_type(name),
                      .policy = foreign_content,
                      .fields = "ETag: " + tag + "\r\nLast-Modified: " + modified +
                                "\r\nAccept-Ranges: bytes\r\n"};
    if (is_unchanged(request, tag, status.st_mtim.tv_sec)) {
        response.status = 304;
        return response;
    }
    const auto size = static_cast<std::uint64_t>(status.st_size);
    const bool same =
        request.if_range.empty() || request.if_range == tag || request.if_range == modified;
    const bool asks = request.method == Method::get && same;
    const ByteRange range = parse_range(asks ? request.range : std::string_view{}, size);
    if (range.kind == ByteRange::Kind::unsatisfiable) {
        Response refusal = status_page(416);
        refusal.fields = "Content-Range: bytes */" + std::to_string(size) + "\r\n";
        return refusal;
    }
    if (range.kind == ByteRange::Kind::part) {
        response.status = 206;
        response.fields += "Content-Range: bytes " + std::to_string(range.first) + '-' +
                           std::to_string(range.first + range.count - 1) + '/' +
                           std::to_string(size) + "\r\n";
    }
    response.file = FileRange{std::move(file), range.first, range.count};
    return response;
}

Response refusal(int error) {
    switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return status_page(503);
    default: // whether it is there and forbidden is nobody's business
        return status_page(404);
    }
}

} // namespace

StaticFiles::StaticFiles(const std::string& root, std::string_view prefix)
    : prefix_{prefix}, root_{::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)} {
    if (!root_) throw_system_error(errno, "open " + root);
    if (!open(".", O_PATH | O_DIRECTORY)) throw_system_error(errno, "openat2 " + root);
}

Fd StaticFiles::open(const std::string& name, int flags) const {
    // A pipe must not be waited for; it is refused when it is open.
    if ((flags & O_PATH) == 0) flags |= O_NONBLOCK | O_NOCTTY;
    open_how how{};
    how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    long fd = -1;
    // EAGAIN: something was renamed meanwhile, and the kernel could not be sure.
    for (int tries = 0; tries < 8 && fd < 0 && (tries == 0 || errno == EAGAIN); ++tries)
        fd = ::syscall(SYS_openat2, root_.get(), name.c_str(), &how, sizeof how);
    return Fd{static_cast<int>(fd)};
}

Response StaticFiles::answer(const Request& request) const {
    const std::string_view path = request.path.substr(prefix_.size());
    const std::optional<std::string> name = name_of(path);
    if (!name) return status_page(404);
    if (name->empty() || name->ends_with('/')) return directory(request, *name);

    Fd file = open(*name, O_RDONLY);
    if (!file) return refusal(errno);
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return refusal(errno);
    if (S_ISDIR(status.st_mode))
        return {.status = 301, .fields = "Location: " + std::string{request.path} + "/\r\n"};
    if (!S_ISREG(status.st_mode)) return status_page(404);
    return regular_file(request, *name, std::move(file), status);
}

Response StaticFiles::directory(const Request& request, const std::string& name) const {
    struct stat status {};
    Fd index = open(name + "index.html", O_RDONLY);
    if (index && ::fstat(index.get(), &status) == 0 && S_ISREG(status.st_mode))
        return regular_file(request, "index.html", std::move(index), status);

    Fd folder = open(name.empty() ? "." : name, O_RDONLY | O_DIRECTORY);
    if (!folder) return refusal(errno);
    return {.type = html_type, .text = listing(std::move(folder), prefix_ + name)};
}

} // namespace demos::http
