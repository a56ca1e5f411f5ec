#include "guest_book.hpp"

#include "../common/text.hpp"
#include "escaping.hpp"
#include "pages.hpp"

namespace demos::http {
namespace {

constexpr std::size_t most_entries = 50;
constexpr std::size_t longest_name = 100;    // bytes
constexpr std::size_t longest_remark = 2000; // bytes

} // namespace

Response GuestBook::show() const {
    std::string body = R"(<h1>Guest book</h1>
<form method="post" action="/guestbook">
<label>Name <input name="name" maxlength="50" required></label>
<label>Remark <textarea name="remark" rows="3" maxlength="1000" required></textarea></label>
<button>Sign</button>
</form>
)";
    if (entries_.empty()) body += "<p class=\"soft\">Nobody has signed yet.</p>\n";
    for (const Entry& entry : entries_)
        body += "<p><b>" + html(entry.name) + "</b></p><blockquote>" + html(entry.remark) +
                "</blockquote>\n";
    return {.type = html_type, .text = page("Guest book", body)};
}

Response GuestBook::sign(std::string_view content_type, std::string_view body) {
    if (!content_type.starts_with("application/x-www-form-urlencoded"))
        return status_page(415, "A form is expected: application/x-www-form-urlencoded.");
    const std::optional<Form> form = parse_form(body);
    if (!form) return status_page(400, "The form is malformed.");
    const std::string_view name = value_of(*form, "name");
    const std::string_view remark = value_of(*form, "remark");
    if (name.empty() || remark.empty() || !is_utf8(name) || !is_utf8(remark))
        return status_page(422, "A name and a remark are expected, in UTF-8.");
    if (name.size() > longest_name || remark.size() > longest_remark)
        return status_page(422, "That is too long.");
    entries_.push_front({std::string{name}, std::string{remark}});
    std::erase(entries_.front().remark, '\r'); // browsers end lines with both
    if (entries_.size() > most_entries) entries_.pop_back();
    return see_other("/guestbook");
}

} // namespace demos::http
