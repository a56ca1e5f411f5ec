// A thread for each client. The code reads from top to bottom and may wait wherever it likes: the
// kernel lets another thread run meanwhile. A client costs a stack and a start of a thread, some
// ten kilobytes and microseconds, and thousands of them cost the kernel's time to switch. What they
// share needs locks.

#include <memory>
#include <set>
#include <utility>

#include "service/arrivals.hpp"
#include "service/models.hpp"
#include "thread_group.hpp"

namespace pollux {
namespace {

/// The threads that serve, each until it was joined.
class ClientThreads {
public:
    explicit ClientThreads(Service& service) noexcept : service_{service} {}
    ~ClientThreads() {
        for (const pthread_t thread : running_) sys::pthread_join(thread, nullptr);
    }
    ClientThreads(const ClientThreads&) = delete;
    ClientThreads& operator=(const ClientThreads&) = delete;

    std::size_t size() const noexcept { return running_.size(); }

    // A client for whom there is no thread is let go: the others need theirs.
    void start(Task serve_client) {
        auto start = std::make_unique<Start>(Start{*this, std::move(serve_client)});
        const AllSignalsBlocked blocked;
        pthread_t thread{};
        if (sys::pthread_create(&thread, nullptr, run, start.get()) != 0)
            return service_.count_shed();
        static_cast<void>(start.release());
        running_.insert(thread);
    }

private:
    struct Start {
        ClientThreads& threads;
        Task serve_client;
    };

    static void* run(void* given) noexcept {
        const std::unique_ptr<Start> start{static_cast<Start*>(given)};
        start->serve_client();
        ClientThreads& threads = start->threads;
        threads.service_.loop().post([&threads, self = ::pthread_self()] { threads.join(self); });
        return nullptr;
    }

    void join(pthread_t thread) {
        sys::pthread_join(thread, nullptr);
        running_.erase(thread);
    }

    Service& service_;
    std::set<pthread_t> running_;
};

} // namespace

void serve_threads(Service& service) {
    ClientThreads threads{service};
    {
        Arrivals arrivals{service};
        const auto has_room = [&] { return threads.size() < service.options().max_clients; };
        while (Task serve_client = arrivals.next(has_room)) threads.start(std::move(serve_client));
    }
    service.run_until([&] { return threads.size() == 0; });
}

} // namespace pollux
