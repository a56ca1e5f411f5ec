#include "load.hpp"

#include "http_requests.hpp"
#include "messages.hpp"
#include "request_load.hpp"
#include "upload.hpp"

namespace load {

std::unique_ptr<Protocol> make_protocol(const Options& options) {
    if (options.mode == Options::Mode::http) return std::make_unique<HttpRequests>(options);
    if (options.mode == Options::Mode::download) return std::make_unique<CountedAnswers>(options);
    return std::make_unique<EchoedMessages>(options);
}

std::unique_ptr<Load> make_load(const Options& options) {
    if (options.mode == Options::Mode::upload) return std::make_unique<UploadLoad>(options);
    return std::make_unique<RequestLoad>(options, make_protocol(options));
}

} // namespace load
