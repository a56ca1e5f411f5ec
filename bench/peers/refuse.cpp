#include <stdexcept>

#include "peers/peer.hpp"

namespace peers {

void refuse(std::string_view library, std::string_view wanted) {
    throw std::invalid_argument{std::string{library} + ": no " + std::string{wanted} + " here"};
}

} // namespace peers
