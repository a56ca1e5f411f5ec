#pragma once

// An epoll descriptor, by the rules of Linux' fs/eventpoll.c: a list of entries that were told of
// something, in the order of the telling; a wait asks each of them for its state.

#include <deque>
#include <memory>
#include <sys/epoll.h>
#include <vector>

#include "instruments/world.hpp"

namespace pollux::simulated {

class EpollSet final : public OpenFile {
public:
    explicit EpollSet(World& world);
    ~EpollSet() override;

    Result control(int operation, int fd, OpenFile& file, const epoll_event* event);
    Result wait(epoll_event* events, int capacity, std::optional<Time> timeout);

    std::uint32_t state() override;
    void release() override;
    std::string text() const override { return "epoll"; }

private:
    class Entry;

    Entry* find(int fd, const OpenFile& file);
    void told(Entry& entry);
    void erase(Entry& entry);
    bool has_ready();
    bool give_spurious();
    int collect(epoll_event* events, int capacity);

    std::vector<std::unique_ptr<Entry>> entries_;
    std::deque<Entry*> told_;
};

} // namespace pollux::simulated
