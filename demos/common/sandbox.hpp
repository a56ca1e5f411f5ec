#pragma once

#include "options.hpp"

#include <cstdint>

namespace demos {

/// What a server may do besides serving on what it has open.
enum class Permission : std::uint8_t {
    read_files = 1,   ///< open(2) files for reading
    keep_files = 2,   ///< open, write, rename and remove files
    make_sockets = 4, ///< and connect or bind them
    fork = 8,         ///< have children, which run the same program, and send signals
};

/// `--sandbox`: a list of the system calls that a server needs once it listens (seccomp(2)). Every
/// other one fails with EPERM from then on, for all its threads and children, and cannot be had
/// back; nor are there new privileges by running another program.
///
/// Refused are above all: other programs (execve), new sockets, files, memory that can be executed,
/// signals to others, tracing. A permission gives back what a server cannot do without. What it
/// does not know are names: who may open files may open each that the user may.
///
/// A refused call fails and does not end the program: an intruder gains nothing by it either way,
/// and a call that was forgotten here costs one client an error, not all of them the server.
class Sandbox {
public:
    void add_to(Options& options);
    void allow(Permission permission) { permissions_ |= static_cast<unsigned>(permission); }
    /// What the program does cannot be done inside: `why` is said when a sandbox is asked for.
    void refuse(const char* why) { refusal_ = why; }

    /// If it was asked for, it begins here. Throws `std::invalid_argument` where the program
    /// refuses it, `std::system_error` where the kernel does.
    void enter() const;

private:
    bool has(Permission permission) const {
        return (permissions_ & static_cast<unsigned>(permission)) != 0;
    }

    bool wanted_ = false;
    unsigned permissions_ = 0;
    const char* refusal_ = nullptr;
};

} // namespace demos
