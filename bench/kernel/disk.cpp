// A file on disk is always ready, and reading it may wait for the disk all the same.
//
//     kernel_disk FOLDER, then: go READS cold|warm
//
// Reads blocks of 64 KiB in random order, after dropping the file from the page cache or after
// having read it. Answers how long each read took, how many of the blocks were in memory (mincore),
// how many of them poll(2) called readable, and whether epoll took the file.

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <functional>
#include <iostream>
#include <numeric>
#include <poll.h>
#include <random>
#include <stdexcept>
#include <string>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clocks.hpp"
#include "descriptor.hpp"
#include "stand_by.hpp"

namespace {

using namespace kernel;

constexpr std::size_t block = 65536;
constexpr std::size_t blocks = 512;
constexpr std::size_t size = blocks * block;
constexpr std::size_t page = 4096;

Descriptor make_file(const std::string& folder) {
    std::string name = folder + "/pollux-disk-XXXXXX";
    Descriptor file{check(mkostemp(name.data(), O_CLOEXEC), name.c_str())};
    check(unlink(name.c_str()), "unlink");
    std::mt19937_64 random{1};
    std::vector<std::uint64_t> bytes(block / sizeof(std::uint64_t));
    for (std::size_t i = 0; i < blocks; ++i) {
        std::generate(bytes.begin(), bytes.end(), std::ref(random));
        check(write(file.get(), bytes.data(), block), "write");
    }
    check(fsync(file.get()), "fsync");
    check(-posix_fadvise(file.get(), 0, 0, POSIX_FADV_RANDOM), "posix_fadvise");
    return file;
}

class Mapped {
public:
    explicit Mapped(int file) : start_{mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0)} {
        if (start_ == MAP_FAILED) check(-1, "mmap");
    }
    ~Mapped() { munmap(start_, size); }
    Mapped(const Mapped&) = delete;
    Mapped& operator=(const Mapped&) = delete;
    bool in_memory(std::size_t number) const {
        unsigned char pages[block / page];
        check(mincore(static_cast<char*>(start_) + number * block, block, pages), "mincore");
        return std::all_of(std::begin(pages), std::end(pages), [](auto each) { return each & 1; });
    }

private:
    void* start_;
};

void prepare(int file, const std::string& state) {
    if (state == "cold") {
        check(-posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED), "posix_fadvise");
    } else if (state == "warm") {
        std::vector<char> bytes(block);
        for (std::size_t i = 0; i < blocks; ++i)
            check(pread(file, bytes.data(), block, static_cast<off_t>(i * block)), "pread");
    } else {
        throw std::invalid_argument{"no state " + state};
    }
}

bool epoll_takes(int file) {
    const Descriptor epoll = make_epoll();
    epoll_event event{.events = EPOLLIN, .data = {}};
    if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, file, &event) == 0) return true;
    if (errno != EPERM) check(-1, "epoll_ctl");
    return false;
}

bool readable(int file) {
    pollfd polled{.fd = file, .events = POLLIN, .revents = 0};
    return check(poll(&polled, 1, 0), "poll") == 1 && (polled.revents & POLLIN) != 0;
}

Answer measure(const Question& question, int file, const Mapped& mapped) {
    if (question.count() > blocks) throw std::invalid_argument{"not so many blocks"};
    prepare(file, question.word(0));
    std::vector<std::size_t> order(blocks);
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), std::mt19937_64{static_cast<std::uint64_t>(now())});
    order.resize(question.count());
    std::vector<std::int64_t> took;
    std::vector<char> bytes(block);
    std::int64_t in_memory = 0;
    std::int64_t called_ready = 0;
    for (const std::size_t number : order) {
        in_memory += mapped.in_memory(number) ? 1 : 0;
        called_ready += readable(file) ? 1 : 0;
        const std::int64_t begin = now();
        check(pread(file, bytes.data(), block, static_cast<off_t>(number * block)), "pread");
        took.push_back(now() - begin);
    }
    return Answer{}
        .add("count", static_cast<std::int64_t>(question.count()))
        .add("in_memory", in_memory)
        .add("called_ready", called_ready)
        .add("epoll_takes_it", epoll_takes(file) ? 1 : 0)
        .add("took_ns", took);
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "kernel_disk FOLDER\n";
        return 2;
    }
    try {
        const Descriptor file = make_file(argv[1]);
        const Mapped mapped{file.get()};
        return stand_by(
            [&](const Question& question) { return measure(question, file.get(), mapped); });
    } catch (const std::exception& problem) {
        std::cerr << problem.what() << '\n';
        return 1;
    }
}
