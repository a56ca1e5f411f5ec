#include "pattern.hpp"

#include <random>

namespace load {

Pattern::Pattern(bool upper) : bytes_(period + longest) {
    std::minstd_rand random{1};
    for (std::size_t i = 0; i < bytes_.size(); ++i)
        bytes_[i] = i < period ? static_cast<char>(random() >> 8U) : bytes_[i - period];
    answers_ = bytes_;
    if (!upper) return;
    for (char& byte : answers_)
        if (byte >= 'a' && byte <= 'z') byte = static_cast<char>(byte - 'a' + 'A');
}

} // namespace load
