#include "listing.hpp"

#include "escaping.hpp"
#include "pages.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <vector>

namespace demos::http {
namespace {

constexpr std::size_t most_entries = 5000;

struct Entry {
    std::string name;
    bool is_directory;
    std::uint64_t size;
    std::time_t modified;
};

struct Close {
    void operator()(DIR* directory) const { ::closedir(directory); }
};

std::vector<Entry> entries(pollux::Fd directory) {
    std::vector<Entry> result;
    const std::unique_ptr<DIR, Close> stream{::fdopendir(directory.get())};
    if (!stream) return result;
    const int fd = directory.release();
    while (const dirent* const found = ::readdir(stream.get())) {
        const std::string name = &found->d_name[0];
        struct stat status {};
        if (name.starts_with('.') || result.size() > most_entries ||
            ::fstatat(fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        result.push_back({name, S_ISDIR(status.st_mode), static_cast<std::uint64_t>(status.st_size),
                          status.st_mtim.tv_sec});
    }
    std::sort(result.begin(), result.end(), [](const Entry& a, const Entry& b) {
        return a.is_directory != b.is_directory ? a.is_directory : a.name < b.name;
    });
    return result;
}

std::string day(std::time_t time) {
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    std::array<char, 40> text{};
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M", &parts)};
}

std::string row(const Entry& entry) {
    const std::string slash = entry.is_directory ? "/" : "";
    return "<tr><td><a href=\"" + percent_encoded(entry.name) + slash + "\">" + html(entry.name) +
           slash + "</a></td><td class=\"number\">" +
           (entry.is_directory ? "" : std::to_string(entry.size)) + "</td><td>" +
           day(entry.modified) + "</td></tr>\n";
}

} // namespace

std::string listing(pollux::Fd directory, const std::string& title) {
    std::vector<Entry> found = entries(std::move(directory));
    const bool cut = found.size() > most_entries;
    if (cut) found.pop_back();
    std::string body = "<h1>" + html(title) +
                       "</h1>\n<table><tr><th>Name</th>"
                       "<th class=\"number\">Bytes</th>"
                       "<th>Changed (UTC)</th></tr>\n";
    if (title != "/files/") body += "<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n";
    for (const Entry& entry : found) body += row(entry);
    body += "</table>\n";
    if (cut) body += "<p>There are more; they are left out.</p>\n";
    return page(title, body);
}

} // namespace demos::http
