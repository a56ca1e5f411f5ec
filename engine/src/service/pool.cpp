// A fixed number of threads, and each serves one client from its first byte to its last. What the
// server costs is known beforehand, whoever comes. As many clients as there are threads are served;
// the others wait, and slow clients, which hold a thread and do nothing, keep them waiting.

#include <new>
#include <pollux/worker_pool.hpp>
#include <utility>

#include "service/arrivals.hpp"
#include "service/models.hpp"

namespace pollux {

void serve_pool(Service& service) {
    // One client more for each thread, so that the next is there when it is done with the last.
    const std::size_t most = 2 * service.threads();
    WorkerPool workers{{.threads = service.threads(), .queue_limit = most}};
    std::size_t taken = 0;
    {
        Arrivals arrivals{service};
        while (Task serve_client = arrivals.next([&] { return taken < most; })) {
            ++taken;
            try {
                const bool queued = workers.submit(service.loop(), std::move(serve_client),
                                                   [&](const WorkResult<void>&) { --taken; });
                if (!queued) --taken; // it cannot be: there is a place for each that is taken
            } catch (const std::bad_alloc&) { // of this client alone
                --taken;
                service.count_shed();
            }
        }
    }
    service.run_until([&] { return taken == 0; });
}

} // namespace pollux
