// The field Range: a part lies within the file, and reads the same when it is written plainly.

#include "fuzzing.hpp"
#include "http/byte_range.hpp"

#include <cstdint>
#include <limits>

namespace {

using demos::http::ByteRange;
using pollux_test::must;

void check(std::string_view field, std::uint64_t size) {
    const ByteRange range = demos::http::parse_range(field, size);
    switch (range.kind) {
    case ByteRange::Kind::whole:
        must(range.first == 0 && range.count == size, "the whole is all of it");
        return;
    case ByteRange::Kind::unsatisfiable:
        must(field.starts_with("bytes="), "only bytes can be refused");
        return;
    case ByteRange::Kind::part:
        break;
    }
    must(range.count > 0 && range.first < size && range.count <= size - range.first,
         "a part lies within the file");
    const std::string plain = "bytes=" + std::to_string(range.first) + '-' +
                              std::to_string(range.first + range.count - 1);
    const ByteRange again = demos::http::parse_range(plain, size);
    must(again.kind == ByteRange::Kind::part && again.first == range.first &&
             again.count == range.count,
         "a part reads the same when it is written plainly", plain);
}

void fuzz(std::string_view input) {
    constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();
    for (const std::uint64_t size :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{10}, largest - 1, largest})
        check(input, size);
}

const pollux_test::FuzzTarget target{"http_range", fuzz};

} // namespace
