// One client after the other. There is no concurrency, so there is nothing to share and nothing to
// lock, and a client costs nothing but its socket. Everybody waits for the one that is served,
// however slow it is: a client that says nothing stops the server for all others.

#include "service/arrivals.hpp"
#include "service/models.hpp"

namespace pollux {

void serve_iterative(Service& service) {
    Arrivals arrivals{service};
    while (Task serve_client = arrivals.next([] { return true; })) serve_client();
}

} // namespace pollux
