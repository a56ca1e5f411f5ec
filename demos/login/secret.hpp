#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace demos {

/// Overwrites the text, in a way that the compiler does not leave out, and empties it.
inline void wipe(std::string& text) noexcept {
    ::explicit_bzero(text.data(), text.size());
    text.clear();
}

/// A text that is wiped when it goes. Moving it copies no byte.
class Secret {
public:
    explicit Secret(std::string&& text) : text_{std::make_unique<std::string>(text)} { wipe(text); }
    Secret(Secret&&) noexcept = default;
    Secret& operator=(Secret&& other) noexcept {
        std::swap(text_, other.text_);
        return *this;
    }
    ~Secret() {
        if (text_) wipe(*text_);
    }

    const std::string& text() const noexcept { return *text_; }

private:
    std::unique_ptr<std::string> text_;
};

} // namespace demos
