#include "echo_bare.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <pollux/error.hpp>
#include <stdexcept>
#include <string>
#include <sys/select.h>

namespace echo {
namespace {

constexpr std::size_t bits = 8 * sizeof(unsigned long);

// The bits of an fd_set by words, so that 64 silent descriptors are passed over at once.
struct Set {
    std::array<unsigned long, FD_SETSIZE / bits> words{};

    static unsigned long bit(int fd) { return 1UL << (static_cast<std::size_t>(fd) % bits); }
    unsigned long& word(int fd) { return words[static_cast<std::size_t>(fd) / bits]; }
    void put(int fd) { word(fd) |= bit(fd); }
    void take(int fd) { word(fd) &= ~bit(fd); }
    bool has(int fd) { return (word(fd) & bit(fd)) != 0; }
    fd_set* get() { return reinterpret_cast<fd_set*>(&words); }
};
static_assert(sizeof(Set) == sizeof(fd_set));

class Select {
public:
    Select(int listener, int termination, const Service& service, const Bare& bare)
        : listener_(listener),
          termination_(termination),
          service_(service),
          bare_(bare),
          end_(std::max(listener, termination) + 1) {
        readers_.put(listener);
        readers_.put(termination);
    }

    void run() {
        for (;;) {
            Set readable = readers_;
            Set writable = writers_;
            int left = select(end_, readable.get(), writer_count_ > 0 ? writable.get() : nullptr,
                              nullptr, nullptr);
            if (left < 0) {
                if (errno != EINTR) pollux::throw_system_error(errno, "select");
                continue;
            }
            if (readable.has(termination_)) return;
            // Taken out first: the loop below knows clients only.
            const bool clients_wait = readable.has(listener_);
            if (clients_wait) --left;
            readable.take(listener_);
            visit_all(left, readable, writer_count_ > 0 ? writable : Set{});
            if (clients_wait) accept();
        }
    }

private:
    struct Client {
        pollux::Fd fd;
        Conversation conversation;
    };

    void visit_all(int left, const Set& readable, const Set& writable) {
        for (std::size_t word = 0; left > 0; ++word)
            for (unsigned long set = readable.words[word] | writable.words[word]; set != 0;
                 set &= set - 1, --left)
                visit(static_cast<int>(word * bits) + std::countr_zero(set));
    }

    void accept() {
        for (std::size_t taken = 0; taken < bare_.accepts; ++taken) {
            const int fd = accept_client(listener_);
            if (fd < 0) return;
            pollux::Fd owned{fd};
            if (fd >= FD_SETSIZE)
                throw std::out_of_range{"descriptor " + std::to_string(fd) +
                                        " does not fit into an fd_set"};
            clients_[static_cast<std::size_t>(fd)].fd = std::move(owned);
            readers_.put(fd);
            end_ = std::max(end_, fd + 1);
        }
    }

    void visit(int fd) {
        Client& client = clients_[static_cast<std::size_t>(fd)];
        const bool flushing = client.conversation.answer_waits();
        const Conversation::Next next =
            flushing ? client.conversation.flush(fd)
                     : client.conversation.receive(fd, service_, bare_.reading);
        const bool waits = next == Conversation::Next::write;
        if (waits != flushing) turn(fd, waits);
        if (next != Conversation::Next::end) return;
        readers_.take(fd);
        client = {};
        while (!readers_.has(end_ - 1) && !writers_.has(end_ - 1)) --end_;
    }

    // From waiting for input to waiting for room, or back.
    void turn(int fd, bool to_write) {
        (to_write ? readers_ : writers_).take(fd);
        (to_write ? writers_ : readers_).put(fd);
        writer_count_ += to_write ? 1 : -1;
    }

    const int listener_;
    const int termination_;
    const Service& service_;
    const Bare bare_;
    Set readers_;
    Set writers_;
    int writer_count_ = 0;
    int end_;
    std::array<Client, FD_SETSIZE> clients_;
};

} // namespace

void serve_on_select(int listener, int termination, const Service& service, const Bare& bare) {
    Select loop{listener, termination, service, bare};
    announce(listener);
    loop.run();
}

} // namespace echo
