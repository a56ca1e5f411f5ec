#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace demos {

/// The members of a JSON object that are texts; what else there is in it is left out. Of two with
/// one name the last counts.
///
/// Read without a tree: to destroy one of nlohmann's takes memory, and ends the program where there
/// is none.
struct JsonTexts {
    bool is_json = false;   ///< It keeps the rules (RFC 8259),
    bool is_object = false; ///< and is an object.
    std::map<std::string, std::string, std::less<>> texts{};

    /// Throws only `std::bad_alloc`.
    static JsonTexts parse(std::string_view text);

    /// Null when there is no such member, or it is no text.
    std::string* find(std::string_view name);
};

} // namespace demos
