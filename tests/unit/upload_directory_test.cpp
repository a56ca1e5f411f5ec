#include "common/upload_directory.hpp"

#include "support/descriptor_ledger.hpp"
#include "support/failing_memory.hpp"

#include <array>
#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <new>
#include <string>
#include <system_error>
#include <unistd.h>

namespace fs = std::filesystem;

namespace {

class Folder {
public:
    Folder() {
        std::array<char, 32> name{"/tmp/pollux-files-XXXXXX"};
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name.data();
    }
    ~Folder() { fs::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

int error_of_opening(const demos::UploadDirectory& directory, const std::string& path) {
    try {
        static_cast<void>(directory.open(path));
        return 0;
    } catch (const std::system_error& error) {
        return error.code().value();
    }
}

} // namespace

TEST_CASE("bug-F8 what is below the directory can be opened, and nothing else") {
    const Folder folder;
    fs::create_directories(folder.path() / "inbox/below");
    std::ofstream{folder.path() / "outside"} << "secret";
    std::ofstream{folder.path() / "inbox/below/file"} << "text";
    fs::create_symlink("below/file", folder.path() / "inbox/link");
    fs::create_symlink("below", folder.path() / "inbox/way");
    const demos::UploadDirectory directory{folder.path() / "inbox"};

    CHECK(error_of_opening(directory, "below/file") == 0);
    CHECK(error_of_opening(directory, "below/../below/file") == 0);
    CHECK(error_of_opening(directory, "../outside") == EXDEV);
    CHECK(error_of_opening(directory, "below/../../outside") == EXDEV);
    CHECK(error_of_opening(directory, (folder.path() / "outside").string()) == EXDEV);
    CHECK(error_of_opening(directory, "link") == ELOOP);
    CHECK(error_of_opening(directory, "way/file") == ELOOP);
    CHECK(error_of_opening(directory, "nothing") == ENOENT);
    CHECK(error_of_opening(directory, "") == ENOENT);
}

TEST_CASE("a new file appears when it is published, in the directory that was opened") {
    const Folder folder;
    fs::create_directory(folder.path() / "inbox");
    const demos::UploadDirectory directory{folder.path() / "inbox"};
    fs::rename(folder.path() / "inbox", folder.path() / "moved");
    fs::create_directory(folder.path() / "inbox");

    demos::NewFile file = directory.create();
    REQUIRE(::write(file.fd(), "text", 4) == 4);
    CHECK_FALSE(directory.has("name"));
    CHECK(directory.publish(std::move(file), "name"));
    CHECK(directory.has("name"));
    CHECK(fs::file_size(folder.path() / "moved/name") == 4);
    CHECK(fs::is_empty(folder.path() / "inbox"));

    CHECK_FALSE(directory.publish(directory.create(), "name"));
    CHECK(fs::file_size(folder.path() / "moved/name") == 4);
    CHECK(std::distance(fs::directory_iterator{folder.path() / "moved"}, {}) == 1);
}

TEST_CASE("X4 without memory for it a directory does not stay open") {
    const Folder folder;
    const std::string path = folder.path();
    const pollux_test::DescriptorLedger ledger;
    bool opened = false;
    for (int nth = 1; !opened; ++nth) {
        const pollux_test::FailingMemory failing{nth};
        try {
            const demos::UploadDirectory directory{path};
            opened = true;
        } catch (const std::bad_alloc&) {
        }
    }
}
