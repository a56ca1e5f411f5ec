#pragma once

#include <vector>

#include "dialer.hpp"
#include "load.hpp"

namespace load {

/// Sends on every connection as fast as the server takes it until the goal is reached, ends each
/// stream, and waits until the server has closed each: only then has it read everything. A
/// connection counts as one request, its latency is that of the whole upload. Each phase ends its
/// connections, so that `prepare` opens others.
class UploadLoad : public Load {
public:
    explicit UploadLoad(const Options& options) : options_(options), dialer_(options) {}
    void prepare() override;
    Result run(const Goal& goal) override;

private:
    const Options& options_;
    Dialer dialer_;
    std::vector<Fd> sockets_;
};

} // namespace load
