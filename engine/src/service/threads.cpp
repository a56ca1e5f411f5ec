// A thread for each client. The code reads from top to bottom and may wait wherever it likes: the
// kernel lets another thread run meanwhile. A client costs a stack and a start of a thread, some
// ten kilobytes and microseconds, and thousands of them cost the kernel's time to switch. What they
// share needs locks.

#include <list>
#include <memory>
#include <new>
#include <utility>

#include "post_place.hpp"
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
        auto start = std::make_unique<Start>(Start{*this, {}, std::move(serve_client)});
        const AllSignalsBlocked blocked;
        const Place place = start->place = running_.insert(running_.end(), pthread_t{});
        if (sys::pthread_create(&*place, nullptr, run, start.get()) != 0) {
            running_.erase(place);
            return service_.count_shed();
        }
        static_cast<void>(start.release());
    }

private:
    using Place = std::list<pthread_t>::iterator;
    struct Start {
        ClientThreads& threads;
        Place place;
        Task serve_client;
        PostPlace way_back{};
    };

    static void* run(void* given) noexcept {
        const std::unique_ptr<Start> start{static_cast<Start*>(given)};
        start->serve_client();
        ClientThreads& threads = start->threads;
        start->way_back.post(threads.service_.loop(),
                             [&threads, place = start->place] { threads.join(place); });
        return nullptr;
    }

    void join(Place place) {
        sys::pthread_join(*place, nullptr);
        running_.erase(place);
    }

    Service& service_;
    std::list<pthread_t> running_;
};

} // namespace

void serve_threads(Service& service) {
    ClientThreads threads{service};
    {
        Arrivals arrivals{service};
        const auto has_room = [&] { return threads.size() < service.options().max_clients; };
        while (Task serve_client = arrivals.next(has_room)) {
            try {
                threads.start(std::move(serve_client));
            } catch (const std::bad_alloc&) { // of this client alone
                service.count_shed();
            }
        }
    }
    service.run_until([&] { return threads.size() == 0; });
}

} // namespace pollux
