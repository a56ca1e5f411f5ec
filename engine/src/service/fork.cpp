// A process for each client: a copy of the server, which ends with its client. Processes share
// nothing, so whatever one does, crash included, is nobody else's trouble; nor can one tell another
// anything. To start one is the dearest of all: the kernel copies the page tables of the program,
// and afterwards each page that either of the two writes to.

#include <cerrno>
#include <cstdlib>
#include <map>
#include <pollux/fd.hpp>
#include <utility>

#include "service/arrivals.hpp"
#include "service/models.hpp"
#include "sys.hpp"

namespace pollux {
namespace {

/// The processes that serve, each until its end was seen: none stays a zombie.
class Children {
public:
    explicit Children(Service& service) noexcept : service_{service} {}
    ~Children() { kill(); }
    Children(const Children&) = delete;
    Children& operator=(const Children&) = delete;

    std::size_t size() const noexcept { return running_.size(); }

    void start(Arrivals& arrivals, Task serve_client) {
        const pid_t child = sys::fork();
        if (child == 0) be_child(arrivals, std::move(serve_client));
        if (child < 0 || !watch(child)) service_.count_shed();
    }

    void kill() noexcept {
        for (auto& [child, process] : running_)
            sys::pidfd_send_signal(process.fd.get(), SIGKILL, nullptr, 0);
        for (auto& [child, process] : running_) reap(P_PIDFD, process.fd.get());
        running_.clear();
    }

private:
    struct Process {
        Fd fd;
        Watch watch;
    };

    // What is the parent's is left: its clients, and its place in the code. Nothing that the
    // program does at its end is done here.
    [[noreturn]] void be_child(Arrivals& arrivals, Task serve_client) noexcept {
        arrivals.let_go();
        running_.clear();
        serve_client();
        std::_Exit(EXIT_SUCCESS);
    }

    // A process whose end cannot be watched, for want of a descriptor or of memory, is not kept.
    bool watch(pid_t child) noexcept {
        try {
            Fd fd{sys::pidfd_open(child, 0)};
            if (fd) {
                Process& process = running_[child];
                process.fd = std::move(fd);
                process.watch =
                    service_.loop().watch(process.fd.get(), Interest::read, Trigger::level,
                                          [this, child](Readiness) { ended(child); });
                return true;
            }
        } catch (const std::exception&) {
            running_.erase(child);
        }
        sys::kill(child, SIGKILL);
        reap(P_PID, child);
        return false;
    }

    void ended(pid_t child) noexcept {
        reap(P_PIDFD, running_.at(child).fd.get());
        running_.erase(child);
    }

    static void reap(idtype_t kind, int child) noexcept {
        siginfo_t how{};
        while (sys::waitid(kind, static_cast<id_t>(child), &how, WEXITED) != 0 && errno == EINTR) {
        }
    }

    Service& service_;
    std::map<pid_t, Process> running_;
};

} // namespace

void serve_fork(Service& service) {
    Children children{service};
    {
        Arrivals arrivals{service};
        const auto has_room = [&] { return children.size() < service.options().max_clients; };
        while (Task serve_client = arrivals.next(has_room))
            children.start(arrivals, std::move(serve_client));
    }
    if (!service.run_until([&] { return children.size() == 0; }, service.stop().due()))
        children.kill();
}

} // namespace pollux
