#include "server/platform/posix_file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <string>
#include <thread>

using namespace ticketd::platform;

namespace {

/// A directory of the test's own, with its path.
struct Scratch {
    std::string path = [] {
        auto name = (std::filesystem::temp_directory_path() / "ticketd-unit.XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        return name;
    }();
    std::unique_ptr<PosixDirectory> directory = PosixDirectory::open_existing(path);

    Scratch() = default;
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch() { std::filesystem::remove_all(path); }

    std::string of(const std::string& name) const { return path + "/" + name; }
    std::unique_ptr<File> make(const std::string& name) const {
        auto opened = directory->open(name, OpenMode::kCreateNew);
        REQUIRE_FALSE(opened.error);
        return std::move(opened.file);
    }
    std::error_code open_error(const std::string& name) const {
        return directory->open(name, OpenMode::kReadWrite).error;
    }
};

/// Whether a lock of the classic kind, by another process, would conflict with one held on it.
bool is_locked_for_others(const std::string& path, off_t start) {
    const FileDescriptor other{::open(path.c_str(), O_RDWR | O_CLOEXEC)};
    struct flock request{};
    request.l_type = F_WRLCK;
    request.l_whence = SEEK_SET;
    request.l_start = start;
    request.l_len = 1;
    REQUIRE(::fcntl(other.get(), F_OFD_GETLK, &request) == 0);
    return request.l_type != F_UNLCK;
}

}  // namespace

TEST_CASE("a record lock outlives the closing of every other descriptor of its file") {
    const Scratch scratch;
    const auto file = scratch.make("stock");
    REQUIRE(file->try_lock(LockKind::kExclusive, {100, 10}) == LockResult::kLocked);
    {
        const auto second = scratch.directory->open("stock", OpenMode::kReadWrite);
    }
    ::close(::open(scratch.of("stock").c_str(), O_RDWR | O_CLOEXEC));
    CHECK(is_locked_for_others(scratch.of("stock"), 100));
    CHECK_FALSE(is_locked_for_others(scratch.of("stock"), 99));
    file->unlock({100, 10});
    CHECK_FALSE(is_locked_for_others(scratch.of("stock"), 100));
}

TEST_CASE("two openings of a file exclude each other, and shared locks only exclusive ones") {
    const Scratch scratch;
    const auto first = scratch.make("stock");
    const auto second = scratch.directory->open("stock", OpenMode::kReadWrite).file;
    REQUIRE(first->try_lock(LockKind::kShared, {}) == LockResult::kLocked);
    CHECK(second->try_lock(LockKind::kShared, {5, 1}) == LockResult::kLocked);
    CHECK(second->try_lock(LockKind::kExclusive, {5, 1}) == LockResult::kHeldElsewhere);
    first->unlock({});
    CHECK(second->try_lock(LockKind::kExclusive, {5, 1}) == LockResult::kLocked);
}

TEST_CASE("bytes go where they are put, not to the end") {
    const Scratch scratch;
    const auto file = scratch.make("journal");
    REQUIRE_FALSE(file->allocate(100));
    REQUIRE_FALSE(file->write_at("abc", 10));
    CHECK(file->size().bytes == 100);
    std::array<char, 200> bytes{};
    CHECK(file->read_at(bytes, 9).bytes == 91);
    CHECK(std::string(bytes.data(), 5) == std::string("\0abc\0", 5));
}

TEST_CASE("only a regular file with one name is opened") {
    const Scratch scratch;
    scratch.make("file");
    CHECK_FALSE(scratch.open_error("file"));
    REQUIRE(::link(scratch.of("file").c_str(), scratch.of("hard").c_str()) == 0);
    CHECK(scratch.open_error("file") == std::errc::too_many_links);
    REQUIRE(::unlink(scratch.of("hard").c_str()) == 0);
    CHECK_FALSE(scratch.open_error("file"));
    REQUIRE(::symlink("file", scratch.of("link").c_str()) == 0);
    CHECK(scratch.open_error("link") == std::errc::too_many_symbolic_link_levels);
    REQUIRE(::mkfifo(scratch.of("fifo").c_str(), 0600) == 0);
    CHECK(scratch.open_error("fifo") == std::errc::invalid_argument);
    REQUIRE(::mkdir(scratch.of("folder").c_str(), 0700) == 0);
    CHECK(scratch.open_error("folder") == std::errc::is_a_directory);
}

TEST_CASE("a file that is replaced again and again while it is opened is there each time") {
    const Scratch scratch;
    scratch.make("checkpoint");
    std::atomic<bool> is_over{false};
    std::thread replacing{[&] {
        while (!is_over) {
            scratch.make("new");
            if (scratch.directory->rename("new", "checkpoint")) is_over = true;
        }
    }};
    std::error_code error;
    for (int i = 0; i < 20'000 && !error && !is_over; ++i)
        error = scratch.open_error("checkpoint");
    CHECK_FALSE(is_over.exchange(true));
    replacing.join();
    CHECK_FALSE(error);
}

TEST_CASE("a name leads to an open file until it is removed or given to another") {
    const Scratch scratch;
    const auto file = scratch.make("stock");
    CHECK(scratch.directory->leads_to("stock", *file));
    CHECK_FALSE(scratch.directory->leads_to("other", *file));
    scratch.make("other");
    REQUIRE_FALSE(scratch.directory->rename("other", "stock"));
    CHECK_FALSE(scratch.directory->leads_to("stock", *file));
    REQUIRE_FALSE(scratch.directory->remove("stock"));
    CHECK_FALSE(scratch.directory->leads_to("stock", *file));
    REQUIRE(::symlink(scratch.of("gone").c_str(), scratch.of("stock").c_str()) == 0);
    CHECK_FALSE(scratch.directory->leads_to("stock", *file));
}

TEST_CASE("a local file system is not taken for one on the network") {
    const Scratch scratch;
    CHECK(scratch.directory->network_file_system() == std::nullopt);
    CHECK(PosixDirectory::open_existing("/proc")->network_file_system() == std::nullopt);
    CHECK(network_file_system_of(0x6969) == "NFS");
    CHECK(network_file_system_of(0x65735546) == "FUSE");
    CHECK(network_file_system_of(0xEF53) == std::nullopt);  // ext4
}

TEST_CASE("a file that is read keeps its time of access, even after it was written") {
    const Scratch scratch;
    scratch.make("stock");
    const timespec times[] = {{1000, 0}, {2000, 0}};  // read before it was written
    REQUIRE(::utimensat(AT_FDCWD, scratch.of("stock").c_str(), times, 0) == 0);

    const auto file = scratch.directory->open("stock", OpenMode::kReadWrite).file;
    REQUIRE_FALSE(file->write_at("some", 0));
    std::array<char, 4> bytes{};
    CHECK(file->read_at(bytes, 0).bytes == 4);
    struct stat info{};
    REQUIRE(::stat(scratch.of("stock").c_str(), &info) == 0);
    CHECK(info.st_atim.tv_sec == 1000);
}
