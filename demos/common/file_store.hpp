#pragma once

#include "options.hpp"
#include "upload_directory.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <pollux/bytes.hpp>
#include <pollux/worker_pool.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace demos {

class FileStore;

/// A file that comes in piece by piece. Its owner gives it what came with `take`; it is written on
/// the store's threads, one part while the next gathers. Destroying it before it is complete leaves
/// nothing behind. Everything belongs to the loop's thread.
class IncomingFile : public std::enable_shared_from_this<IncomingFile> {
public:
    enum class State : std::uint8_t {
        open,     ///< More may come: `take`.
        full,     ///< Nothing more may come until it is `open` again.
        storing,  ///< All of it is here, and not on the disk yet.
        complete, ///< It is there under its name.
        refused,  ///< It will not be there; see `reason`.
    };

    IncomingFile(FileStore& store, std::string name, std::uint64_t size, pollux::Task on_change);
    ~IncomingFile();
    IncomingFile(const IncomingFile&) = delete;
    IncomingFile& operator=(const IncomingFile&) = delete;

    /// Takes what belongs to the file from the front of `bytes`; returns how many bytes that is.
    std::size_t take(pollux::ByteView bytes);

    State state() const noexcept { return state_; }
    std::string_view reason() const noexcept { return reason_; }
    std::uint64_t size() const noexcept { return size_; }

private:
    struct Part;
    struct Stored;
    static Stored store(const UploadDirectory& directory, Part part, bool sync);
    void submit();
    void submit_or_refuse();
    void stored(Stored result);
    void refuse(std::string_view reason);

    FileStore& store_;
    std::string name_;
    std::uint64_t size_;
    std::uint64_t missing_; // bytes still to come
    pollux::Task on_change_;
    std::vector<std::byte> gathered_;
    std::vector<std::byte> spare_; // the memory of the other part
    NewFile file_;
    std::string_view reason_;
    State state_ = State::open;
    bool writing_ = false;
};

/// What a server that takes files needs: a directory, limits, and threads that write. Files are
/// written with 0644 less the umask. They are not forced to the disk unless `--fsync` is given:
/// then each is, and its name, before it counts as complete.
class FileStore {
public:
    /// The options of such a server.
    struct Settings {
        std::string directory;
        std::uint64_t quota = std::uint64_t{1} << 31; // 2 GiB
        std::uint64_t total = std::uint64_t{1} << 36; // 64 GiB
        bool sync = false;
        std::chrono::milliseconds timeout{30'000};

        /// --dir, --quota, --total, --fsync, --timeout
        void add_to(Options& options);
    };

    /// Throws `std::system_error` when the directory cannot be opened.
    FileStore(pollux::EventLoop& loop, const Settings& settings);

    /// Why a file of that name and size is not taken: "bad-name", "over-quota"; else empty.
    std::string_view refusal(std::string_view name, std::uint64_t size) const;

    /// Until when a client may take for a message that begins now, or for a file of that size:
    /// sending a byte now and then puts nothing off.
    pollux::Clock::time_point due(std::uint64_t file_size) const;

    /// A file that nothing speaks against yet. `on_change` is called, never from within `take`,
    /// when its state has changed; it may give the file up.
    std::shared_ptr<IncomingFile> receive(std::string name, std::uint64_t size,
                                          pollux::Task on_change);

private:
    friend class IncomingFile;
    void discard(NewFile file) noexcept;

    pollux::EventLoop& loop_;
    UploadDirectory directory_;
    Settings settings_;
    std::uint64_t kept_ = 0;     // bytes of all files that are here or on their way
    pollux::WorkerPool workers_; // last: its threads use the directory
};

} // namespace demos
