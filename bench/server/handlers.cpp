#include "server/handlers.hpp"

#include "work.hpp"

#include <memory>
#include <stdexcept>
#include <string>

namespace bench {

using namespace pollux;

namespace {

// Answers whole requests from the front. What does not make one stays with the connection, and so
// does what its client asks for and does not read the answers of.
class Answering {
public:
    explicit Answering(const Settings& settings)
        : request_{settings.request},
          most_waiting_{settings.server.connection.high_water},
          work_{settings.work()},
          answer_{std::make_shared<const std::string>(settings.answer, 'a')} {}

    std::size_t operator()(Connection& connection, ByteView bytes) const {
        std::size_t taken = 0;
        while (bytes.size() - taken >= request_) {
            if (connection.queued() > most_waiting_) {
                // The rest is offered again when the connection reads on.
                connection.pause_reading();
                connection.resume_reading();
                break;
            }
            burn(work_);
            connection.send(*answer_);
            taken += request_;
        }
        return taken;
    }

private:
    std::size_t request_;
    std::size_t most_waiting_;
    std::chrono::nanoseconds work_;
    std::shared_ptr<const std::string> answer_;
};

} // namespace

ConnectionHandlers handlers_for(const Settings& settings) {
    // One connection's trouble is its own: it is closed, and the reason is in the statistics.
    ConnectionHandlers handlers{.on_error = [](const std::exception_ptr&) {}};
    switch (settings.serve) {
    case Serve::echo:
        handlers.on_data = [work = settings.work()](Connection& connection, ByteView bytes) {
            burn(work);
            connection.send(bytes);
            return bytes.size();
        };
        return handlers;
    case Serve::discard:
        handlers.on_data = [work = settings.work()](Connection&, ByteView bytes) {
            burn(work);
            return bytes.size();
        };
        return handlers;
    case Serve::answer:
        handlers.on_data = Answering{settings};
        return handlers;
    case Serve::toggling:
        break;
    }
    throw std::logic_error{"it has no connections of a set"};
}

} // namespace bench
