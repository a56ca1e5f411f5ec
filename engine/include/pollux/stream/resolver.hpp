#pragma once

#include <memory>
#include <pollux/event_loop.hpp>
#include <pollux/function.hpp>
#include <pollux/net/resolve.hpp>
#include <pollux/worker_pool.hpp>
#include <string_view>
#include <system_error>
#include <vector>

namespace pollux {

/// Finds the addresses of hosts without blocking the loop: `pollux::resolve` on the threads of a
/// pool. It belongs to the loop's thread. Loop and pool must outlive it; a query may be answered
/// after it.
///
/// What is given up before a thread has it is not looked up. A look-up that has begun cannot be
/// stopped, and keeps its thread as long as the system takes (resolv.conf(5): 5 seconds for each
/// server and try). Give names a pool of their own where other work must not wait for them.
class Resolver {
public:
    /// Called once, in a later turn: with at least one address and no error, or with none and why.
    using Completion = UniqueFunction<void(std::vector<Address>, std::error_code)>;
    /// What looks up: is called on the threads of the pool, on several at once. It may throw
    /// `std::system_error` or `std::bad_alloc`; anything else leaves `EventLoop::run`, and the
    /// query is not answered.
    using Lookup =
        UniqueFunction<std::vector<Address>(std::string_view, std::string_view, ResolveOptions)>;

    /// A question that waits for its answer. Destroying it cancels: nothing is called any more. Its
    /// completion may destroy it.
    class Query {
    public:
        Query() noexcept = default;
        Query(Query&&) noexcept = default;
        Query& operator=(Query&&) noexcept = default;
        ~Query() = default;

    private:
        friend class Resolver;
        std::shared_ptr<Completion> on_done_; // who is going to answer holds it weakly
    };

    Resolver(EventLoop& loop, WorkerPool& pool, Lookup lookup = pollux::resolve);

    /// Asks as `pollux::resolve`, whose errors are given to `on_done`; besides EAGAIN when the
    /// queue of the pool is full, and EAI_NONAME for a look-up without an answer. What needs no
    /// look-up (see `needs_lookup`) goes to no thread, and not to `lookup`. A query whose pool is
    /// destroyed is never answered. Throws `std::logic_error` in a forked child, which needs a pool
    /// of its own.
    [[nodiscard]] Query resolve(std::string_view host, std::string_view service,
                                const ResolveOptions& options, Completion on_done);

private:
    EventLoop* loop_;
    WorkerPool* pool_;
    std::shared_ptr<Lookup> lookup_;
};

} // namespace pollux
