#include "client.hpp"

#include <system_error>

namespace demos {

using namespace pollux;

ConnectionOptions client_options(Trigger trigger) {
    ConnectionOptions options;
    options.trigger = trigger;
    options.high_water = much_waits;
    options.low_water = much_waits / 4;
    options.read_over_high_water = true;
    return options;
}

std::string to_text(const Closed& closed) {
    if (closed.error != 0) return std::error_code{closed.error, std::generic_category()}.message();
    if (closed.reason == CloseReason::peer) return "the server ended it";
    if (closed.reason == CloseReason::idle) return "no answer in time";
    return std::string{to_string(closed.reason)};
}

} // namespace demos
