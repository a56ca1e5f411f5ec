#pragma once

#include "program.hpp"

#include <pollux/service/socket_server.hpp>

namespace demos {

/// A demo server on a `SocketServer`, in the model that its user chooses, for streams or datagrams:
/// what `ServerProgram` is on a `Server`. The main thread hears the signals, another one serves.
class ServiceProgram {
public:
    ServiceProgram(const std::string& name, const std::string& description);

    int run(int argc, char** argv, pollux::SessionFactory make_session);

private:
    int serve(pollux::SessionFactory make_session);
    pollux::SocketServerOptions service_options() const;

    Options options_;
    CommonOptions common_;
    pollux::Model model_ = pollux::Model::reactor;
    int threads_ = 0;
    std::uint64_t max_connections_ = 10'000;
    std::chrono::milliseconds idle_timeout_ = longest_idle;
    bool datagrams_ = false;
    bool stats_ = false;
};

} // namespace demos
