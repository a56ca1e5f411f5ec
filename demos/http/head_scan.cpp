#include "head_scan.hpp"

namespace demos::http {

void HeadScan::restart() noexcept {
    in_request_line_ = from_ == From::request_line;
    after_return_ = false;
    at_ = begin_ = line_ = 0;
}

HeadScan::State HeadScan::look(std::string_view bytes) noexcept {
    while (at_ < bytes.size()) {
        const State state = step(bytes[at_]);
        if (state != State::partial) return state;
    }
    return State::partial;
}

HeadScan::State HeadScan::step(char character) noexcept {
    if (in_request_line_ && !after_return_ && character != '\r' && at_ - line_ >= limits_.line)
        return State::line_too_long;
    if (at_ >= limits_.head) return State::too_long;
    const bool at_start = at_ == line_;
    ++at_;
    if (after_return_) return character == '\n' ? end_line() : State::malformed;
    if (character == '\r') {
        after_return_ = true;
        return State::partial;
    }
    const auto byte = static_cast<unsigned char>(character);
    const bool control = (byte < 0x20 && character != '\t') || byte == 0x7F;
    const bool folded = !in_request_line_ && at_start && (character == ' ' || character == '\t');
    const bool strange = in_request_line_ && (character == '\t' || byte >= 0x80);
    return control || folded || strange ? State::malformed : State::partial;
}

HeadScan::State HeadScan::end_line() noexcept {
    const bool empty = at_ - line_ == 2;
    after_return_ = false;
    line_ = at_;
    if (empty && in_request_line_) { // RFC 9112, 2.2: one before the request is ignored
        if (begin_ > 0) return State::malformed;
        begin_ = at_;
        return State::partial;
    }
    in_request_line_ = false;
    return empty ? State::complete : State::partial;
}

} // namespace demos::http
