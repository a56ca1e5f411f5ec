#pragma once

// What the tests of `Child` share.

#include "contract.hpp"
#include "streams.hpp"

#include <functional>
#include <optional>
#include <pollux/stream/child.hpp>
#include <string>
#include <vector>

namespace pollux_test {

pollux::ExitStatus exited(int code);
pollux::ExitStatus killed(int signal);

/// A program, or a script for sh(1), with pipes for all three streams.
pollux::ChildOptions piped(std::vector<std::string> arguments);
pollux::ChildOptions shell(std::string script);

/// What was called for a child, and in which order: output, errors, exit ("x"), done.
struct Told {
    std::string output;
    std::string errors;
    std::string order; ///< Output in a row counts once.
    std::optional<pollux::ExitStatus> status;
    int drained = 0;

    bool is_done() const { return order.ends_with('d'); }
    bool has_exited() const { return status.has_value(); }
};
/// Handlers that note what they are called with.
pollux::ChildHandlers note(Told& told);

/// Runs a program from its beginning to its end, without input.
Told run(const Mode& mode, const pollux::ChildOptions& options);

/// Whether this process has no child, neither running nor as a zombie.
bool has_no_children();

/// The text of the exception that `act` throws.
std::string failure_of(const std::function<void()>& act);

} // namespace pollux_test
