#pragma once

#include "response.hpp"

#include <deque>
#include <string>
#include <string_view>

namespace demos::http {

/// The last remarks of visitors, in memory.
class GuestBook {
public:
    Response show() const;
    /// Takes a form with `name` and `remark`.
    Response sign(std::string_view content_type, std::string_view body);

private:
    struct Entry {
        std::string name;
        std::string remark;
    };
    std::deque<Entry> entries_; // the last one first
};

} // namespace demos::http
