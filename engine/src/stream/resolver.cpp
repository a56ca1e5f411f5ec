#include <pollux/stream/resolver.hpp>

#include <cerrno>
#include <netdb.h>
#include <new>
#include <string>
#include <utility>

namespace pollux {
namespace {

using Addresses = std::vector<Address>;

// A query that was cancelled is gone. The completion may destroy it too: it is called from the
// stack.
void answer(const std::weak_ptr<Resolver::Completion>& query, Addresses addresses,
            std::error_code error) {
    const auto asked = query.lock();
    if (!asked) return;
    Resolver::Completion on_done = std::move(*asked);
    if (!error && addresses.empty()) error = {EAI_NONAME, resolve_category()};
    on_done(std::move(addresses), error);
}

// Gives the error that `find` throws, or none.
template <class Find> std::error_code error_of(Find find) {
    try {
        find();
        return {};
    } catch (const std::system_error& error) {
        return error.code();
    } catch (const std::bad_alloc&) {
        return std::make_error_code(std::errc::not_enough_memory);
    }
}

} // namespace

Resolver::Resolver(EventLoop& loop, WorkerPool& pool, Lookup lookup)
    : loop_{&loop}, pool_{&pool}, lookup_{std::make_shared<Lookup>(std::move(lookup))} {}

Resolver::Query Resolver::resolve(std::string_view host, std::string_view service,
                                  const ResolveOptions& options, Completion on_done) {
    Query query;
    query.on_done_ = std::make_shared<Completion>(std::move(on_done));
    const std::weak_ptr<Completion> asked = query.on_done_;
    Addresses found;
    std::error_code error;
    if (options.numeric_only || !needs_lookup(host, service)) {
        error = error_of([&] { found = pollux::resolve(host, service, options); });
    } else {
        const bool is_taken = pool_->submit(
            *loop_,
            [asked, lookup = lookup_, host = std::string{host}, service = std::string{service},
             options] { return asked.expired() ? Addresses{} : (*lookup)(host, service, options); },
            [asked](WorkResult<Addresses> result) {
                Addresses addresses;
                const std::error_code failed = error_of([&] { addresses = result.get(); });
                answer(asked, std::move(addresses), failed);
            });
        if (is_taken) return query;
        error = std::make_error_code(std::errc::resource_unavailable_try_again);
    }
    loop_->post([asked, found = std::move(found), error]() mutable {
        answer(asked, std::move(found), error);
    });
    return query;
}

} // namespace pollux
