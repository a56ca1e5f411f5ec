#include "http_requests.hpp"

namespace load {
namespace {

std::string request_for(const Options& options) {
    const bool is_ipv6 = options.host.find(':') != std::string::npos;
    const std::string host = is_ipv6 ? '[' + options.host + ']' : options.host;
    return "GET " + options.path + " HTTP/1.1\r\nHost: " + host + ':' + options.port + "\r\n" +
           (options.close ? "Connection: close\r\n\r\n" : "\r\n");
}

} // namespace

HttpRequests::HttpRequests(const Options& options)
    : request_(request_for(options)), places_(options.connections) {}

std::span<const char> HttpRequests::request_from(std::uint64_t position) const noexcept {
    return std::span{request_}.subspan(static_cast<std::size_t>(position % request_.size()));
}

Answers HttpRequests::take(std::size_t index, std::uint64_t sent, std::span<const char> bytes) {
    Place& place = places_[index];
    Answers all;
    while (!bytes.empty() && !all.closes) {
        if (place.answered == sent / request_.size())
            throw Failure{"an answer came that nobody asked for"};
        bytes = bytes.subspan(place.answer.take(bytes));
        if (!place.answer.complete()) break;
        const Answers one = completed(place);
        ++all.complete;
        all.errors += one.errors;
        all.closes = one.closes;
    }
    return all;
}

Answers HttpRequests::end(std::size_t index) {
    Place& place = places_[index];
    return place.answer.ends_with_stream() ? completed(place) : Answers{};
}

std::string HttpRequests::so_far(std::size_t index) const {
    return places_[index].answer.untouched() ? "nothing" : "a part";
}

bool HttpRequests::may_close(std::size_t index) const noexcept {
    return places_[index].answer.untouched();
}

Answers HttpRequests::completed(Place& place) {
    const bool good = place.answer.status() / 100 == 2;
    const Answers one{.complete = 1, .errors = good ? 0U : 1U, .closes = place.answer.closes()};
    place.answer.restart();
    ++place.answered;
    return one;
}

} // namespace load
