#include "checksum.hpp"

#include <array>

namespace demos::http {
namespace {

using Table = std::array<std::uint32_t, 256>;

constexpr Table make_table() {
    Table table{};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
        std::uint32_t value = i;
        for (int bit = 0; bit < 8; ++bit)
            value = (value >> 1U) ^ ((value & 1U) != 0 ? 0xEDB88320U : 0U);
        table[i] = value;
    }
    return table;
}

} // namespace

std::uint32_t crc32(std::string_view bytes) noexcept {
    static constexpr Table table = make_table();
    std::uint32_t value = 0xFFFFFFFFU;
    for (const char byte : bytes)
        value = (value >> 8U) ^ table[(value ^ static_cast<unsigned char>(byte)) & 0xFFU];
    return ~value;
}

} // namespace demos::http
