// Whom a connection wakes when several threads wait for it.
//
//     kernel_herd, then: go CONNECTIONS WAY WORKERS LISTENERS settle|answer
//
// WAY is one of
//     own          each its own epoll set, all watching the same listeners
//     exclusive    the same with EPOLLEXCLUSIVE
//     shared       one epoll set for all, level-triggered
//     shared-edge  one epoll set for all, edge-triggered
//     reuse-port   each its own epoll set and its own listener on the same port (SO_REUSEPORT)
//     accept       all blocked in accept(2)
//
// A thread that sleeps again after it was woken has made one voluntary context switch, so these
// count the wake-ups, those too that end within the kernel because another one was faster. With
// `settle` the next connection comes when all threads sleep again, so that the count is exact; with
// `answer` as soon as somebody has closed the one before.

#include <arpa/inet.h>
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <pthread.h>
#include <sched.h>
#include <stdexcept>
#include <string>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

#include "clocks.hpp"
#include "descriptor.hpp"
#include "stand_by.hpp"

namespace {

using namespace kernel;

enum class Way { own, exclusive, shared, shared_edge, reuse_port, accept };

Way parse_way(const std::string& name) {
    if (name == "own") return Way::own;
    if (name == "exclusive") return Way::exclusive;
    if (name == "shared") return Way::shared;
    if (name == "shared-edge") return Way::shared_edge;
    if (name == "reuse-port") return Way::reuse_port;
    if (name == "accept") return Way::accept;
    throw std::invalid_argument{"no way " + name};
}

sockaddr* generic(sockaddr_in& address) { return reinterpret_cast<sockaddr*>(&address); }

/// On the loopback, at `port` or any. What is accepted is reset at close, so that nothing stays in
/// TIME_WAIT.
Descriptor listen_at(in_port_t port, int flags) {
    Descriptor listener{check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0), "socket")};
    const int on = 1;
    const linger reset{.l_onoff = 1, .l_linger = 0};
    const int fd = listener.get();
    check(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), "SO_REUSEPORT");
    check(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), "SO_LINGER");
    sockaddr_in address{.sin_family = AF_INET,
                        .sin_port = port,
                        .sin_addr = {htonl(INADDR_LOOPBACK)},
                        .sin_zero = {}};
    check(bind(fd, generic(address), sizeof address), "bind");
    check(listen(fd, 1024), "listen");
    return listener;
}

sockaddr_in address_of(const Descriptor& listener) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    check(getsockname(listener.get(), generic(address), &size), "getsockname");
    return address;
}

struct alignas(64) Worker {
    std::atomic<pid_t> id = 0;
    std::atomic<std::int64_t> accepted = 0;
    std::atomic<std::int64_t> in_vain = 0; // woken up to the program, with nothing to accept
    std::thread thread;

    std::int64_t cpu() {
        clockid_t clock{};
        check(-pthread_getcpuclockid(thread.native_handle(), &clock), "pthread_getcpuclockid");
        return nanoseconds_of(clock);
    }
};

/// How a thread is, by /proc.
class Status {
public:
    explicit Status(pid_t id)
        : file_{check(open(("/proc/self/task/" + std::to_string(id) + "/status").c_str(),
                           O_RDONLY | O_CLOEXEC),
                      "/proc/self/task")} {}
    void look() {
        const long size = check(pread(file_.get(), text_.data(), text_.size(), 0), "pread");
        const std::string_view text{text_.data(), static_cast<std::size_t>(size)};
        asleep_ = after(text, "\nState:\t").starts_with('S');
        switches_ = std::stoll(std::string{after(text, "\nvoluntary_ctxt_switches:\t")});
    }
    bool asleep() const noexcept { return asleep_; }
    std::int64_t switches() const noexcept { return switches_; }

private:
    static std::string_view after(std::string_view text, std::string_view name) {
        const std::size_t found = text.find(name);
        if (found == std::string_view::npos) throw std::runtime_error{"/proc says too little"};
        return text.substr(found + name.size(), 20);
    }

    Descriptor file_;
    std::string text_ = std::string(8192, ' ');
    bool asleep_ = false;
    std::int64_t switches_ = 0;
};

class Herd {
public:
    Herd(Way way, std::size_t workers, std::size_t listeners) : way_{way}, workers_(workers) {
        if (workers == 0 || listeners == 0)
            throw std::invalid_argument{"at least one worker and one listener"};
        open_listeners(listeners);
        if (way == Way::shared || way == Way::shared_edge) sets_.push_back(make_set(listeners_));
        if (way == Way::own || way == Way::exclusive)
            while (sets_.size() < workers) sets_.push_back(make_set(listeners_));
        if (way == Way::reuse_port)
            for (const Descriptor& each : listeners_) sets_.push_back(make_set({&each, 1}));
        for (std::size_t i = 0; i < workers; ++i)
            workers_[i].thread = std::thread{[this, i] { run(i); }};
        for (const Worker& each : workers_) {
            while (each.id == 0) sched_yield();
            statuses_.emplace_back(each.id);
        }
        settle();
    }

    ~Herd() {
        signal(stop_.get());
        if (way_ == Way::accept) shutdown(listeners_.front().get(), SHUT_RD);
        for (Worker& each : workers_) each.thread.join();
    }
    Herd(const Herd&) = delete;
    Herd& operator=(const Herd&) = delete;

    /// Until all threads sleep.
    void settle() {
        std::int64_t before = -1;
        while (true) {
            bool asleep = true;
            std::int64_t switches = 0;
            for (Status& each : statuses_) {
                each.look();
                asleep = asleep && each.asleep();
                switches += each.switches();
            }
            if (asleep && switches == before) return;
            before = switches;
            sched_yield();
        }
    }

    void connect_one(Chance& chance, bool settled) {
        sockaddr_in address = addresses_[chance.below(addresses_.size())];
        const Descriptor client{check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")};
        const std::int64_t accepted = total(&Worker::accepted);
        // One that was accepted and reset already is said to be refused.
        const bool connected = connect(client.get(), generic(address), sizeof address) == 0;
        if (!connected && errno != ECONNRESET) check(-1, "connect");
        char byte = 0;
        if (connected && recv(client.get(), &byte, 1, 0) < 0 && errno != ECONNRESET)
            check(-1, "recv");
        if (!settled) return;
        while (total(&Worker::accepted) == accepted) sched_yield();
        settle();
    }

    std::int64_t total(std::atomic<std::int64_t> Worker::*count) const noexcept {
        std::int64_t sum = 0;
        for (const Worker& each : workers_) sum += each.*count;
        return sum;
    }
    std::int64_t switches() const noexcept {
        std::int64_t sum = 0;
        for (const Status& each : statuses_) sum += each.switches();
        return sum;
    }
    std::int64_t cpu() {
        std::int64_t sum = 0;
        for (Worker& each : workers_) sum += each.cpu();
        return sum;
    }
    std::vector<std::int64_t> shares() const {
        std::vector<std::int64_t> accepted;
        accepted.reserve(workers_.size());
        for (const Worker& each : workers_) accepted.push_back(each.accepted);
        return accepted;
    }

private:
    void open_listeners(std::size_t count) {
        const int flags = way_ == Way::accept ? 0 : SOCK_NONBLOCK;
        if (way_ == Way::reuse_port || way_ == Way::accept) {
            if (count != 1) throw std::invalid_argument{"this way knows one listener only"};
            listeners_.push_back(listen_at(0, flags));
            addresses_.push_back(address_of(listeners_.front()));
            while (way_ == Way::reuse_port && listeners_.size() < workers_.size())
                listeners_.push_back(listen_at(addresses_.front().sin_port, flags));
            return;
        }
        while (listeners_.size() < count) {
            listeners_.push_back(listen_at(0, flags));
            addresses_.push_back(address_of(listeners_.back()));
        }
    }

    Descriptor make_set(std::span<const Descriptor> listeners) const {
        Descriptor set = make_epoll();
        watch(set.get(), stop_.get(), EPOLLIN);
        const std::uint32_t how = way_ == Way::exclusive     ? EPOLLIN | EPOLLEXCLUSIVE
                                  : way_ == Way::shared_edge ? EPOLLIN | EPOLLET
                                                             : std::uint32_t{EPOLLIN};
        for (const Descriptor& each : listeners) watch(set.get(), each.get(), how);
        return set;
    }

    void run(std::size_t place) {
        Worker& worker = workers_[place];
        worker.id = static_cast<pid_t>(syscall(SYS_gettid));
        if (way_ == Way::accept)
            accept_until_shut(worker);
        else
            wait_until_stopped(worker, sets_[sets_.size() == 1 ? 0 : place].get());
    }

    void accept_until_shut(Worker& worker) const {
        while (true) {
            const int fd = accept4(listeners_.front().get(), nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0) return;
            close(fd);
            ++worker.accepted;
        }
    }

    void wait_until_stopped(Worker& worker, int set) const {
        epoll_event events[16];
        while (true) {
            const int found = epoll_wait(set, events, 16, -1);
            std::int64_t accepted = 0;
            for (int i = 0; i < found; ++i) {
                if (events[i].data.fd == stop_.get()) return;
                accepted += accept_from(events[i].data.fd);
            }
            if (accepted == 0) ++worker.in_vain;
            worker.accepted += accepted;
        }
    }

    std::int64_t accept_from(int listener) const {
        std::int64_t accepted = 0;
        do {
            const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0) break;
            close(fd);
            ++accepted;
        } while (way_ == Way::shared_edge); // an edge is not told again
        return accepted;
    }

    Way way_;
    std::vector<Descriptor> listeners_;
    std::vector<sockaddr_in> addresses_;
    std::vector<Descriptor> sets_;
    Descriptor stop_{check(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")};
    std::vector<Worker> workers_;
    std::vector<Status> statuses_;
};

Answer measure(const Question& question) {
    const std::string& pace = question.word(3);
    if (pace != "settle" && pace != "answer") throw std::invalid_argument{"no pace " + pace};
    Herd herd{parse_way(question.word(0)), question.number(1), question.number(2)};
    Chance chance{static_cast<std::uint64_t>(now())};
    const std::int64_t cpu = herd.cpu();
    const std::int64_t switches = herd.switches();
    const std::int64_t begin = now();
    for (std::uint64_t made = 0; made < question.count(); ++made)
        herd.connect_one(chance, pace == "settle");
    const std::int64_t elapsed = now() - begin;
    herd.settle();
    return Answer{}
        .add("count", static_cast<std::int64_t>(question.count()))
        .add("accepted", herd.total(&Worker::accepted))
        .add("wakeups", herd.switches() - switches)
        .add("in_vain", herd.total(&Worker::in_vain))
        .add("elapsed_ns", elapsed)
        .add("cpu_ns", herd.cpu() - cpu)
        .add("shares", herd.shares());
}

} // namespace

int main() {
    raise_descriptor_limit();
    return stand_by(measure);
}
