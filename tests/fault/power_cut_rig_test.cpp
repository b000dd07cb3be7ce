// The rig itself: what it loses at a power cut, and what it does not. A rig that loses nothing
// proves nothing.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "client/descriptor.h"
#include "tests/support/daemon.h"
#include "tests/support/loop_file_system.h"

namespace ticketd::testing {
namespace {

const std::string kBytes(100'000, 'x');

client::Descriptor open_for_writing(const std::string& path) {
    client::Descriptor file{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    REQUIRE(file.is_open());
    return file;
}

void write_at(const client::Descriptor& file, off_t offset, const std::string& bytes) {
    REQUIRE(::pwrite(file.number(), bytes.data(), bytes.size(), offset) ==
            static_cast<ssize_t>(bytes.size()));
}

void sync_directory(const std::string& path) {
    const client::Descriptor directory{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    REQUIRE(::fsync(directory.number()) == 0);
}

bool exists(const std::string& path) {
    return std::filesystem::exists(path);
}

// A file of kBytes, synced with its name.
std::string make_synced(const LoopFileSystem& disk, const std::string& name) {
    auto path = disk.path() + "/" + name;
    const auto file = open_for_writing(path);
    write_at(file, 0, kBytes);
    REQUIRE(::fdatasync(file.number()) == 0);
    sync_directory(disk.path());
    return path;
}

bool holds_exactly_what_was_synced(const std::string& path) {
    return read_file(path) == kBytes;
}

TEST_SUITE_BEGIN("power_cut_rig");

TEST_CASE("synced bytes survive a power cut, later ones vanish") {
    if (!can_cut_power()) return;
    LoopFileSystem disk;
    const auto path = make_synced(disk, "file");
    {
        const auto file = open_for_writing(path);
        write_at(file, 0, "not synced");
        write_at(file, static_cast<off_t>(kBytes.size()), "nor this");
        CHECK(read_file(path).starts_with("not synced"));
        disk.cut_power(PowerCut::kLosesAll);
    }
    disk.remount();
    CHECK(holds_exactly_what_was_synced(path));
}

TEST_CASE("a rename without a directory sync is lost, with it is not") {
    if (!can_cut_power()) return;
    LoopFileSystem disk;
    const auto first = make_synced(disk, "first");
    const auto second = make_synced(disk, "second");
    REQUIRE(::rename(first.c_str(), (first + "-renamed").c_str()) == 0);
    sync_directory(disk.path());
    REQUIRE(::rename(second.c_str(), (second + "-renamed").c_str()) == 0);
    disk.cut_power(PowerCut::kLosesAll);
    disk.remount();
    CHECK_FALSE(exists(first));
    CHECK(holds_exactly_what_was_synced(first + "-renamed"));
    CHECK(holds_exactly_what_was_synced(second));
    CHECK_FALSE(exists(second + "-renamed"));
}

TEST_CASE("a creation and a removal without a directory sync are lost") {
    if (!can_cut_power()) return;
    LoopFileSystem disk;
    const auto old = make_synced(disk, "old");
    write_at(open_for_writing(disk.path() + "/new"), 0, kBytes);
    REQUIRE(::unlink(old.c_str()) == 0);
    disk.cut_power(PowerCut::kLosesAll);
    disk.remount();
    CHECK_FALSE(exists(disk.path() + "/new"));
    CHECK(holds_exactly_what_was_synced(old));
}

TEST_CASE("a cut can keep names and sizes without bytes, or everything") {
    if (!can_cut_power()) return;
    for (const auto cut : {PowerCut::kKeepsNames, PowerCut::kKeepsAll}) {
        LoopFileSystem disk;
        const auto path = make_synced(disk, "file");
        {
            const auto file = open_for_writing(path);
            REQUIRE(::ftruncate(file.number(), 1'000'000) == 0);
            write_at(file, 500'000, "late");
        }
        REQUIRE(::rename(path.c_str(), (path + "-renamed").c_str()) == 0);
        disk.cut_power(cut);
        disk.remount();
        const auto found = read_file(path + "-renamed");
        CHECK(found.size() == 1'000'000);
        CHECK(found.starts_with(kBytes));
        CHECK(found.substr(500'000, 4) ==
              (cut == PowerCut::kKeepsAll ? "late" : std::string(4, '\0')));
    }
}

TEST_CASE("single sectors of what was not synced can be let through") {
    if (!can_cut_power()) return;
    LoopFileSystem disk;
    const auto path = make_synced(disk, "file");
    {
        const auto file = open_for_writing(path);
        write_at(file, 0, std::string(4096, 'y'));
        CHECK(disk.let_reach_disk(path, 512, 512));
        CHECK_FALSE(disk.let_reach_disk(path, kBytes.size() - 512, 100'000));
        disk.cut_power(PowerCut::kLosesAll);
    }
    disk.remount();
    auto expected = kBytes;
    expected.replace(512, 512, 512, 'y');
    const bool is_as_expected = read_file(path) == expected;
    CHECK(is_as_expected);
}

TEST_CASE("after the cut nothing can be written or synced any more") {
    if (!can_cut_power()) return;
    LoopFileSystem disk;
    const auto path = make_synced(disk, "file");
    {
        const auto file = open_for_writing(path);
        write_at(file, 0, "before");
        disk.cut_power(PowerCut::kLosesAll);
        CHECK(::fdatasync(file.number()) == -1);
        CHECK(errno == EIO);
        CHECK(::pwrite(file.number(), "x", 1, 0) == -1);
        CHECK(::mkdir((disk.path() + "/new").c_str(), 0700) == -1);
    }
    disk.remount();
    CHECK(holds_exactly_what_was_synced(path));
}

// Its names and sizes may only be in ext4's own journal, which has to be replayed first.
TEST_CASE("a copy of the disk, taken after the cut, holds what the disk holds") {
    if (!can_cut_power()) return;
    const ScratchDirectory scratch;
    LoopFileSystem disk{{32ULL * 1024 * 1024, 1024, "commit=600,data=writeback"}};
    make_synced(disk, "file");
    disk.cut_power(PowerCut::kLosesAll);
    disk.copy_disk(scratch / "copy");
    CHECK(run({"e2fsck", "-fy", scratch / "copy"}).exit <= 1);
    const auto found = run({"debugfs", "-R", "cat /file", scratch / "copy"}).output;
    CHECK(found.size() == kBytes.size());
    const bool is_same = found == kBytes;
    CHECK(is_same);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
