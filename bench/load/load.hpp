#pragma once

#include <memory>

#include "options.hpp"
#include "result.hpp"

namespace load {

/// A way to ask something of the server, in phases. All of it throws `Failure`.
class Load {
public:
    Load() = default;
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;
    virtual ~Load() = default;

    /// Opens the connections that a phase needs and that are not open and at rest. Does nothing
    /// when all are.
    virtual void prepare() = 0;

    /// One phase, after `prepare`.
    virtual Result run(const Goal& goal) = 0;
};

/// The options must live as long.
std::unique_ptr<Load> make_load(const Options& options);

} // namespace load
