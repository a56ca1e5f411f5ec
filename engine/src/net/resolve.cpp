#include <pollux/net/resolve.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <memory>
#include <netdb.h>

#include "sys.hpp"

namespace pollux {
namespace {

constexpr std::size_t longest_host = 254; // RFC 1035: 253, and the dot that may end it
constexpr std::size_t longest_service = NI_MAXSERV - 1;

class ResolveCategory : public std::error_category {
public:
    const char* name() const noexcept override { return "resolve"; }
    std::string message(int code) const override { return ::gai_strerror(code); }
};

// To be called before anything can change errno.
std::error_code error_of(int code) noexcept {
    if (code == EAI_SYSTEM && errno != 0) return {errno, std::generic_category()};
    return {code, resolve_category()};
}

// What getaddrinfo would cut at a zero byte, or a terminal would obey, is no name.
std::error_code refused(std::string_view text, std::size_t longest) noexcept {
    const auto is_visible = [](char byte) { return byte > ' ' && byte < '\x7f'; };
    if (!std::all_of(text.begin(), text.end(), is_visible))
        return std::make_error_code(std::errc::invalid_argument);
    if (text.size() > longest) return std::make_error_code(std::errc::filename_too_long);
    return {};
}

bool is_number(std::string_view service) noexcept {
    return service.find_first_not_of("0123456789") == service.npos;
}

// getaddrinfo reads numbers with strtoul: it takes signs, and wraps around.
std::error_code refused_number(std::string_view service) noexcept {
    std::uint16_t port = 0;
    const bool has_sign = service.starts_with('+') || service.starts_with('-');
    const char* const end = service.data() + service.size();
    if (has_sign || (!service.empty() && is_number(service) &&
                     std::from_chars(service.data(), end, port).ec != std::errc{}))
        return {EAI_SERVICE, resolve_category()};
    return {};
}

bool is_in_brackets(std::string_view host) noexcept {
    return host.starts_with('[') && host.ends_with(']');
}

struct FreeFound {
    void operator()(addrinfo* first) const noexcept { ::freeaddrinfo(first); }
};
using Found = std::unique_ptr<addrinfo, FreeFound>;

// The question in the form of getaddrinfo.
class Question {
public:
    Question(std::string_view host, std::string_view service)
        : error_{refused(host, longest_host)},
          host_{is_in_brackets(host) ? host.substr(1, host.size() - 2) : host},
          service_{service} {
        if (!error_) error_ = refused(service, longest_service);
        if (!error_) error_ = refused_number(service);
        if (!error_ && is_in_brackets(host) && !has_colon())
            error_ = {EAI_NONAME, resolve_category()};
    }

    // Why it cannot be asked.
    std::error_code error() const noexcept { return error_; }

    // No name has a colon: what is no address with it (its scope may be gone) is nothing to ask
    // for.
    bool has_literal_host() const noexcept {
        if (has_colon()) return true;
        addrinfo hints{};
        hints.ai_flags = AI_NUMERICHOST;
        addrinfo* first = nullptr;
        const bool is_literal = sys::getaddrinfo(host_.c_str(), nullptr, &hints, &first) == 0;
        const Found found{first};
        return is_literal;
    }
    bool needs_lookup() const noexcept {
        return !is_number(service_) || !(host_.empty() || has_literal_host());
    }

    std::error_code ask(const ResolveOptions& options, Found& found) const noexcept {
        addrinfo hints{};
        hints.ai_family = options.family;
        hints.ai_socktype = options.type;
        if (options.passive) hints.ai_flags |= AI_PASSIVE;
        if (options.numeric_only || is_number(service_)) hints.ai_flags |= AI_NUMERICSERV;
        if (options.numeric_only || (!host_.empty() && has_literal_host()))
            hints.ai_flags |= AI_NUMERICHOST;
        addrinfo* first = nullptr;
        errno = 0;
        const int code = sys::getaddrinfo(or_null(host_), or_null(service_), &hints, &first);
        if (code != 0) return error_of(code);
        found.reset(first);
        return {};
    }

private:
    bool has_colon() const noexcept { return host_.find(':') != host_.npos; }
    static const char* or_null(const std::string& text) noexcept {
        return text.empty() ? nullptr : text.c_str();
    }

    std::error_code error_;
    std::string host_;
    std::string service_;
};

std::vector<Address> addresses_of(const addrinfo* first) {
    std::vector<Address> addresses;
    for (const addrinfo* each = first; each != nullptr; each = each->ai_next) {
        const Address address = Address::from(each->ai_addr, each->ai_addrlen);
        // One line of /etc/hosts may give an address twice, and any type gives it once per type.
        if (std::find(addresses.begin(), addresses.end(), address) == addresses.end())
            addresses.push_back(address);
    }
    return addresses;
}

} // namespace

const std::error_category& resolve_category() noexcept {
    static const ResolveCategory category;
    return category;
}

std::vector<Address> resolve(std::string_view host, std::string_view service,
                             const ResolveOptions& options) {
    const Question question{host, service};
    // A text that is refused is not quoted either.
    if (question.error())
        throw std::system_error{question.error(), "resolve: not a host and a service"};
    Found found;
    std::error_code error = question.ask(options, found);
    std::vector<Address> addresses = addresses_of(found.get());
    if (!error && addresses.empty()) error = {EAI_NONAME, resolve_category()};
    if (error)
        throw std::system_error{error, "resolve " + std::string{host} + " " + std::string{service}};
    return addresses;
}

bool needs_lookup(std::string_view host, std::string_view service) {
    const Question question{host, service};
    return !question.error() && question.needs_lookup();
}

std::uint16_t service_port(std::string_view service, int type) {
    return resolve({}, service, {.family = AF_INET, .type = type}).front().port();
}

HostAndService name_of(const Address& address, const NameOptions& options) {
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> service{};
    const int flags = (options.numeric_host ? NI_NUMERICHOST : 0) |
                      (options.numeric_service ? NI_NUMERICSERV : 0) |
                      (options.type == SOCK_DGRAM ? NI_DGRAM : 0);
    const bool is_ip = address.family() == AF_INET || address.family() == AF_INET6;
    errno = 0;
    const int code = is_ip ? sys::getnameinfo(address.data(), address.size(), host.data(),
                                              host.size(), service.data(), service.size(), flags)
                           : EAI_FAMILY;
    if (code != 0) throw std::system_error{error_of(code), "getnameinfo " + address.to_string()};
    return {host.data(), service.data()};
}

} // namespace pollux
