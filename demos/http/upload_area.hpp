#pragma once

#include "../common/upload_directory.hpp"

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace demos::http {

/// Where uploads are kept: each under the name that its sender gave it, if that may be a file name
/// and is free, and only when it is complete. May be used from several threads at once.
class UploadArea {
public:
    /// `quota`: bytes of all that is kept from now on. Throws `std::system_error`.
    UploadArea(const std::string& directory, std::uint64_t quota);

    /// Writes a file. `status` is that of HTTP: 201, or why it is not kept; `text` says the same.
    struct Outcome {
        int status;
        std::string_view text;
    };
    Outcome keep(const std::string& name, std::string_view content);

private:
    bool take_from_quota(std::uint64_t size);
    void give_back(std::uint64_t size);
    Outcome write(const std::string& name, std::string_view content) const;

    UploadDirectory directory_;
    std::mutex mutex_;
    std::uint64_t left_; // of the quota; guarded
};

} // namespace demos::http
