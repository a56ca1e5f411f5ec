#include "file_store.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <pollux/error.hpp>
#include <stdexcept>
#include <unistd.h>
#include <utility>

namespace demos {

using namespace pollux;

namespace {

// Bytes that are written at once. While they are, as many more may gather.
constexpr std::size_t part_size = std::size_t{256} << 10;
constexpr std::size_t one_read = std::size_t{64} << 10;

std::string_view reason_of(int error) {
    const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
    return full ? "disk-full" : "disk-error";
}

void write_all(int file, ByteView bytes, std::uint64_t offset) {
    while (!bytes.empty()) {
        const ssize_t written =
            ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (written < 0 && errno == EINTR) continue;
        check(written < 0 ? -1 : 0, "pwrite");
        bytes = bytes.subspan(static_cast<std::size_t>(written));
        offset += static_cast<std::size_t>(written);
    }
}

} // namespace

// What a thread gets to write.
struct IncomingFile::Part {
    NewFile file; // none yet: it is the first
    std::string name;
    std::uint64_t offset;
    std::vector<std::byte> bytes;
    bool last;
};

// What it gives back.
struct IncomingFile::Stored {
    NewFile file; // none: it failed, or is complete
    std::vector<std::byte> bytes;
    std::string_view reason; // empty: all went well
    bool last;
};

IncomingFile::Stored IncomingFile::store(const UploadDirectory& directory, Part part, bool sync) {
    Stored result{.file = {}, .bytes = std::move(part.bytes), .reason = {}, .last = part.last};
    try {
        if (!part.file) {
            if (directory.has(part.name)) {
                result.reason = "name-taken";
                return result;
            }
            part.file = directory.create();
        }
        write_all(part.file.fd(), result.bytes, part.offset);
        if (!part.last) {
            result.file = std::move(part.file);
            return result;
        }
        if (sync) check(::fsync(part.file.fd()), "fsync");
        if (!directory.publish(std::move(part.file), part.name)) result.reason = "name-taken";
        if (sync) directory.sync();
    } catch (const std::system_error& error) {
        result.reason = reason_of(error.code().value());
    } catch (const std::bad_alloc&) {
        result.reason = "no-memory";
    }
    return result;
}

IncomingFile::IncomingFile(FileStore& store, std::string name, std::uint64_t size, Task on_change)
    : store_{store},
      name_{std::move(name)},
      size_{size},
      missing_{size},
      on_change_{std::move(on_change)} {
    store_.kept_ += size_;
}

IncomingFile::~IncomingFile() {
    if (state_ != State::complete) store_.kept_ -= size_;
    if (file_) store_.discard(std::move(file_));
}

std::size_t IncomingFile::take(ByteView bytes) {
    if (state_ != State::open) return 0;
    const ByteView mine = bytes.first(std::min<std::uint64_t>(bytes.size(), missing_));
    if (gathered_.capacity() == 0)
        gathered_.reserve(std::min<std::uint64_t>(missing_, part_size + one_read));
    gathered_.insert(gathered_.end(), mine.begin(), mine.end());
    missing_ -= mine.size();

    const bool due = missing_ == 0 || gathered_.size() >= part_size;
    if (missing_ == 0)
        state_ = State::storing;
    else if (due && writing_)
        state_ = State::full;
    if (due && !writing_) submit();
    return mine.size();
}

void IncomingFile::submit() {
    Part part{.file = std::move(file_),
              .name = name_,
              .offset = size_ - missing_ - gathered_.size(),
              .bytes = std::exchange(gathered_, std::move(spare_)),
              .last = missing_ == 0};
    spare_ = {};
    FileStore& all = store_;
    writing_ = all.workers_.submit(
        all.loop_,
        [&all, part = std::move(part)]() mutable {
            return store(all.directory_, std::move(part), all.settings_.sync);
        },
        [&all, size = size_, weak = weak_from_this()](WorkResult<Stored> done) {
            Stored result = done.get();
            if (const std::shared_ptr<IncomingFile> file = weak.lock()) {
                file->stored(std::move(result));
                return;
            }
            // Its owner went away meanwhile.
            if (result.file) all.discard(std::move(result.file));
            if (result.last && result.reason.empty()) all.kept_ += size;
        });
    if (!writing_) refuse("busy");
}

void IncomingFile::stored(Stored result) {
    const State before = state_;
    writing_ = false;
    file_ = std::move(result.file);
    spare_ = std::move(result.bytes);
    spare_.clear();
    if (!result.reason.empty()) {
        refuse(result.reason);
    } else if (result.last) {
        state_ = State::complete;
    } else {
        if (state_ == State::full) state_ = State::open;
        if (missing_ == 0 || gathered_.size() >= part_size) submit_or_refuse();
    }
    if (state_ != before) on_change_(); // may give this up
}

// Nobody else is there to be told.
void IncomingFile::submit_or_refuse() {
    try {
        submit();
    } catch (const std::bad_alloc&) {
        refuse("no-memory");
    }
}

void IncomingFile::refuse(std::string_view reason) {
    state_ = State::refused;
    reason_ = reason;
    gathered_ = {};
    if (file_) store_.discard(std::move(file_));
}

void FileStore::Settings::add_to(Options& options) {
    options.text("--dir", directory, "directory for the files", Options::Need::required);
    options.size("--quota", quota, "bytes of one file at most");
    options.size("--total", total, "bytes of all files of this run at most");
    options.duration("--timeout", timeout,
                     "how long a message may take; a file has a second more for each 16 KiB");
    options.flag("--fsync", sync, "force each file to the disk before it counts as complete");
}

FileStore::FileStore(EventLoop& loop, const Settings& settings)
    : loop_{loop}, directory_{settings.directory}, settings_{settings} {
    std::signal(SIGXFSZ, SIG_IGN); // a limit of file size is an error then (EFBIG), not the end
    directory_.create();           // who may not write should hear it now
}

std::string_view FileStore::refusal(std::string_view name, std::uint64_t size) const {
    if (!is_upload_name(name)) return "bad-name";
    if (size > settings_.quota || size > settings_.total - kept_) return "over-quota";
    return {};
}

Clock::time_point FileStore::due(std::uint64_t file_size) const {
    constexpr std::uint64_t bytes_a_second = 16384;
    return later(loop_.now(), settings_.timeout + std::chrono::seconds{file_size / bytes_a_second});
}

std::shared_ptr<IncomingFile> FileStore::receive(std::string name, std::uint64_t size,
                                                 Task on_change) {
    auto file = std::make_shared<IncomingFile>(*this, std::move(name), size, std::move(on_change));
    if (size == 0) file->take({});
    return file;
}

// To free the blocks of a large file takes a while. Where there is no memory to have it done, it is
// done here: what throws or refuses drops the file.
void FileStore::discard(NewFile file) noexcept {
    try {
        static_cast<void>(workers_.submit(
            loop_, [file = std::move(file)]() mutable { file = {}; },
            [](const WorkResult<void>&) {}));
    } catch (const std::bad_alloc&) {
    }
}

} // namespace demos
