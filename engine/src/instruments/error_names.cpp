#include "instruments/error_names.hpp"

#include <cerrno>
#include <cstring>
#include <netdb.h>
#include <pollux/instruments/fault_plan.hpp>
#include <utility>

namespace pollux {
namespace {

constexpr int last_errno = 133; // EHWPOISON

// The C library names the errno numbers, and not these.
constexpr std::pair<std::string_view, int> others[]{
    {"EAI_AGAIN", EAI_AGAIN},     {"EAI_BADFLAGS", EAI_BADFLAGS}, {"EAI_FAIL", EAI_FAIL},
    {"EAI_FAMILY", EAI_FAMILY},   {"EAI_MEMORY", EAI_MEMORY},     {"EAI_NONAME", EAI_NONAME},
    {"EAI_SERVICE", EAI_SERVICE}, {"EAI_SYSTEM", EAI_SYSTEM},     {"EWOULDBLOCK", EWOULDBLOCK},
    {"ENOTSUP", ENOTSUP}};

} // namespace

std::optional<int> find_error(std::string_view name) noexcept {
    for (const auto& [known, error] : others)
        if (known == name) return error;
    for (int error = 1; error <= last_errno; ++error)
        if (const char* const known = ::strerrorname_np(error); known != nullptr && known == name)
            return error;
    return {};
}

std::string error_name(int error) {
    if (const char* const name = error > 0 ? ::strerrorname_np(error) : nullptr) return name;
    for (const auto& [name, known] : others)
        if (known == error) return std::string{name};
    return std::to_string(error);
}

} // namespace pollux
