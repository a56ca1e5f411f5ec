// A small web application over HTTP/1.1: pages, a form, an upload, live statistics and, with
// --root, the files of a directory with ranges. The parts stand in demos/http/.
//
//     http_server --port 8080 --root /usr/share/doc &
//     curl -i http://127.0.0.1:8080/plain            # or look at it with a browser
//     curl -T README.md http://127.0.0.1:8080/upload/
//     wrk -t1 -c64 -d2s http://127.0.0.1:8080/plain

#include "common/program.hpp"
#include "http/service.hpp"
#include "http/site.hpp"
#include "http/statistics.hpp"

#include <algorithm>
#include <memory>

using namespace pollux;

namespace {

struct Directories {
    std::string root;
    std::string uploads;
    std::uint64_t quota = std::uint64_t{1} << 30; // 1 GiB
};

// The application, and the protocol that brings requests to it.
class HttpServer {
public:
    HttpServer(demos::ServerProgram& program, EventLoop& loop,
               const demos::http::ServiceLimits& limits, const Directories& directories)
        : site_{loop, [this, &program] { return statistics(program); },
                [this](ConnectionId asker, demos::http::Response response) {
                    service_.answer(asker, std::move(response));
                }},
          service_{program, limits, site_} {
        if (!directories.root.empty()) site_.serve_files(directories.root);
        if (!directories.uploads.empty())
            site_.keep_uploads(directories.uploads, directories.quota);
    }

    ConnectionHandlers handlers() { return service_.handlers(); }

private:
    std::string statistics(demos::ServerProgram& program) const {
        return statistics_json(program, service_.tally(), started_);
    }

    Clock::time_point started_ = Clock::now();
    demos::http::Site site_;
    demos::http::Service service_;
};

} // namespace

int main(int argc, char** argv) {
    demos::ServerProgram program{"http_server", "A small web application, and files."};
    demos::http::ServiceLimits limits;
    Directories directories;
    program.options().text("--root", directories.root,
                           "serve the files of this directory under /files/");
    program.options().text("--uploads", directories.uploads,
                           "keep what is uploaded in this directory");
    program.options().size("--quota", directories.quota, "bytes of uploads that are kept");
    program.options().duration("--keep-alive-timeout", limits.keep_alive_timeout,
                               "how long a connection waits for the next request");
    program.options().duration("--head-timeout", limits.head_timeout,
                               "how long the head of a request may take");
    program.options().duration("--body-timeout", limits.body_timeout,
                               "how long a body may take, besides a second for each 16 KiB");
    program.options().size("--body-limit", limits.request.body, "largest body that is taken");

    return program.run(argc, argv, [&](EventLoop& loop) {
        ConnectionOptions& connection = program.limits().connection;
        // So much waits for a client that does not read; of its requests no more are taken then.
        connection.high_water = std::size_t{256} << 10;
        connection.low_water = std::size_t{64} << 10;
        connection.idle_timeout = std::min<Clock::duration>(
            connection.idle_timeout,
            2 * std::max(limits.keep_alive_timeout, std::chrono::milliseconds{60'000}));

        if (!directories.root.empty() || !directories.uploads.empty())
            program.sandbox().allow(demos::Permission::keep_files);
        const auto server = std::make_shared<HttpServer>(program, loop, limits, directories);
        ConnectionHandlers handlers = server->handlers();
        // It lives as long as the handlers: longer than the connections, and not as long as the
        // loop.
        handlers.on_error = [server](const std::exception_ptr&) {};
        return handlers;
    });
}
