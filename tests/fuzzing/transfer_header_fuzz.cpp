// Headers of transfer_server: what one says reads the same when it is written again.

#include "common/text.hpp"
#include "common/transfer_header.hpp"
#include "fuzzing.hpp"

namespace {

using demos::TransferHeader;
using pollux_test::must;

void fuzz(std::string_view input) {
    const TransferHeader header = TransferHeader::parse(input);
    must(demos::is_utf8(header.file_name), "a name in JSON is UTF-8");
    if (header.kind != TransferHeader::Kind::file && header.kind != TransferHeader::Kind::message) {
        must(header.file_name.empty(), "what is refused names no file");
        return;
    }
    must(input.find('\0') == input.npos, "a header is text throughout");
    const std::string json = header.to_json();
    const TransferHeader again = TransferHeader::parse(json);
    must(again.kind == header.kind && again.file_name == header.file_name,
         "a header reads as it was written", json);
}

const pollux_test::FuzzTarget target{"transfer_header", fuzz};

} // namespace
