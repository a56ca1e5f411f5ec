#pragma once

#include <pollux/fd.hpp>
#include <string>

namespace demos::http {

/// A page that lists a directory. `title`: where it is, for the reader. Of very many entries some
/// are left out, and the page says so.
std::string listing(pollux::Fd directory, const std::string& title);

} // namespace demos::http
