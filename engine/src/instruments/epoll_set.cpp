#include "instruments/epoll_set.hpp"

#include <algorithm>
#include <utility>

namespace pollux::simulated {
namespace {

constexpr std::uint32_t always_asked = EPOLLERR | EPOLLHUP;
constexpr std::uint32_t may_be_exclusive =
    EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;
constexpr std::uint32_t how = EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE | EPOLLWAKEUP;

} // namespace

class EpollSet::Entry final : public Watcher {
public:
    Entry(EpollSet& of, int number, OpenFile& watched) : set{of}, fd{number}, file{watched} {
        file.watchers.push_back(this);
    }
    ~Entry() override { std::erase(file.watchers, this); }

    void told(std::uint32_t bits) override {
        const bool is_asked = (event.events & ~how) != 0;
        if (is_asked && (bits == 0 || (bits & event.events) != 0)) set.told(*this);
    }
    void forget() override { set.erase(*this); }
    std::uint32_t found() const { return (file.state() | spurious) & event.events & ~how; }

    EpollSet& set;
    int fd;
    OpenFile& file;
    epoll_event event{};
    std::uint32_t spurious = 0;
    bool is_told = false;
};

EpollSet::EpollSet(World& world) : OpenFile{world} {}
EpollSet::~EpollSet() = default;

EpollSet::Entry* EpollSet::find(int fd, const OpenFile& file) {
    for (const auto& entry : entries_)
        if (entry->fd == fd && &entry->file == &file) return entry.get();
    return nullptr;
}

void EpollSet::told(Entry& entry) {
    if (!std::exchange(entry.is_told, true)) told_.push_back(&entry);
    wake(EPOLLIN); // those that watch this set
}

void EpollSet::erase(Entry& entry) {
    std::erase(told_, &entry);
    std::erase_if(entries_, [&](const auto& other) { return other.get() == &entry; });
}

Result EpollSet::control(int operation, int fd, OpenFile& file, const epoll_event* event) {
    if (&file == this) return -EINVAL;
    if (!file.can_be_watched()) return -EPERM;
    Entry* entry = find(fd, file);
    if (operation == EPOLL_CTL_DEL) {
        if (entry == nullptr) return -ENOENT;
        erase(*entry);
        return 0;
    }
    const bool is_exclusive = operation != EPOLL_CTL_DEL && (event->events & EPOLLEXCLUSIVE) != 0;
    if (is_exclusive && (operation == EPOLL_CTL_MOD || (event->events & ~may_be_exclusive) != 0))
        return -EINVAL;
    if (operation == EPOLL_CTL_ADD) {
        if (entry != nullptr) return -EEXIST;
        entries_.push_back(std::make_unique<Entry>(*this, fd, file));
        entry = entries_.back().get();
    } else {
        if (entry == nullptr) return -ENOENT;
        if ((entry->event.events & EPOLLEXCLUSIVE) != 0) return -EINVAL;
    }
    entry->event = *event;
    entry->event.events |= always_asked;
    if (entry->found() != 0) told(*entry);
    return 0;
}

std::uint32_t EpollSet::state() { return has_ready() ? std::uint32_t{EPOLLIN} : 0; }

void EpollSet::release() {
    told_.clear();
    entries_.clear();
}

// What was told of and is not so any more is forgotten, as a wait of the kernel does.
bool EpollSet::has_ready() {
    std::erase_if(told_, [](Entry* entry) {
        if (entry->found() != 0) return false;
        entry->is_told = false;
        return true;
    });
    return !told_.empty();
}

bool EpollSet::give_spurious() {
    std::vector<Entry*> possible;
    for (const auto& entry : entries_)
        if ((entry->file.may_be_spurious() & entry->event.events) != 0 && entry->found() == 0)
            possible.push_back(entry.get());
    if (possible.empty()) return false;
    const std::size_t chosen =
        world().choose("who is reported ready and is not", possible.size() + 1);
    if (chosen == 0) return false;
    Entry& entry = *possible[chosen - 1];
    entry.spurious = entry.file.may_be_spurious();
    told(entry);
    return true;
}

int EpollSet::collect(epoll_event* events, int capacity) {
    int count = 0;
    std::vector<Entry*> again;
    while (count < capacity && !told_.empty()) {
        const bool varies = world().options.vary.order_of_events;
        const std::size_t chosen =
            varies ? world().choose("who is reported next", told_.size()) : 0;
        Entry& entry = *told_[chosen];
        told_.erase(told_.begin() + static_cast<std::ptrdiff_t>(chosen));
        entry.is_told = false;
        events[count++] = {.events = entry.found(), .data = entry.event.data};
        entry.spurious = 0;
        if ((entry.event.events & EPOLLONESHOT) != 0)
            entry.event.events &= how;
        else if ((entry.event.events & EPOLLET) == 0)
            again.push_back(&entry);
    }
    for (Entry* entry : again) {
        entry->is_told = true;
        told_.push_back(entry);
    }
    return count;
}

Result EpollSet::wait(epoll_event* events, int capacity, std::optional<Time> timeout) {
    if (capacity <= 0) return -EINVAL;
    if (world().options.vary.spurious) give_spurious();
    const Result waited = world().wait(timeout, [&] { return has_ready(); });
    return waited > 0 ? collect(events, capacity) : waited;
}

} // namespace pollux::simulated
