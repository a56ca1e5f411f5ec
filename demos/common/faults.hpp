#pragma once

#include <string>

namespace demos {

// --fault of the server programs: what is to go wrong with the system calls of the library
// (docs/faults.md). Only a program linked with pollux_hooked can do it; each server is such a
// program in `demo_hooked`.

/// From now on calls go wrong as the plan says. Throws `std::invalid_argument` with what is wrong
/// with the plan; or, linked with pollux, with the name of the program that can do it.
void begin_faults(const std::string& program, const std::string& plan);

/// ` faults=N`, those that there have been so far; empty without a plan.
std::string faults_made();

/// While it lives there may be faults; then they end, and the exact plan of those that there have
/// been is printed to standard error.
class FaultsUntilHere {
public:
    FaultsUntilHere() = default;
    ~FaultsUntilHere(); // NOLINT(performance-trivially-destructible): faults.cpp's does something
    FaultsUntilHere(const FaultsUntilHere&) = delete;
    FaultsUntilHere& operator=(const FaultsUntilHere&) = delete;
};

} // namespace demos
