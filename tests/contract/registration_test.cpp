// R of the catalogue: adding, changing and removing registrations, at the seam.

#include "support/contract.hpp"
#include "support/sockets.hpp"

using namespace pollux;
using namespace pollux_test;

CONTRACT_CASE("R1 idle pair: nothing is reported", everywhere) {
    const Ends ends = unix_pair();
    const auto reactor = mode.reactor();
    reactor->add(ends.ours.get(), Token{1}, Interest::read, mode.trigger);
    CHECK(reactor->wait(Timeout::zero()).empty());
}
