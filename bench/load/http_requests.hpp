#pragma once

#include <string>
#include <vector>

#include "http_answer.hpp"
#include "protocol.hpp"

namespace load {

/// GET of one path. An answer that is not 2xx counts as an error; one that is no HTTP throws.
class HttpRequests : public Protocol {
public:
    explicit HttpRequests(const Options& options);

    std::size_t request_size() const noexcept override { return request_.size(); }
    std::span<const char> request_from(std::uint64_t position) const noexcept override;
    void restart(std::size_t index) override { places_[index] = {}; }
    Answers take(std::size_t index, std::uint64_t sent, std::span<const char> bytes) override;
    Answers end(std::size_t index) override;
    std::string so_far(std::size_t index) const override;
    bool may_close(std::size_t index) const noexcept override;

private:
    struct Place {
        HttpAnswer answer;
        std::uint64_t answered = 0;
    };

    static Answers completed(Place& place);

    std::string request_;
    std::vector<Place> places_;
};

} // namespace load
