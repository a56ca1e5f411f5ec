#pragma once

#include "request.hpp"
#include "response.hpp"

#include <pollux/fd.hpp>
#include <string>
#include <string_view>

namespace demos::http {

/// The files below a directory, as the kernel finds them: openat2(2) with RESOLVE_BENEATH, so
/// neither ".." nor a symbolic link leads out of it. Names that begin with a dot are neither listed
/// nor served. A directory is its index.html, or a list.
class StaticFiles {
public:
    /// `prefix`: the path under which they are found, "/files/". Throws `std::system_error` when
    /// `root` is no directory or the kernel (before Linux 5.6) has no openat2.
    StaticFiles(const std::string& root, std::string_view prefix);

    /// For GET and HEAD of a path below the prefix.
    Response answer(const Request& request) const;

private:
    pollux::Fd open(const std::string& name, int flags) const;
    Response directory(const Request& request, const std::string& name) const;

    std::string prefix_;
    pollux::Fd root_;
};

} // namespace demos::http
