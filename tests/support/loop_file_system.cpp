#include "tests/support/loop_file_system.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <optional>
#include <system_error>

#include "client/wait.h"
#include "tests/support/process.h"

namespace ticketd::testing {
namespace {

// EXT4_IOC_SHUTDOWN, which no installed header has; XFS and F2FS answer to the same number.
constexpr unsigned long kShutdown = _IOR('X', 125, std::uint32_t);
static_assert(kShutdown == 0x8004587d);

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error(errno, std::system_category(), what);
}

// Whatever this process and its children mount from here on, nobody else sees.
void enter_private_mount_namespace() {
    static bool entered = false;
    if (entered) return;
    if (::unshare(CLONE_NEWNS) != 0) fail("a mount namespace");
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) fail("private mounts");
    entered = true;
}

// Calls `attempt` until it does not fail with EBUSY any more.
template <typename Attempt>
bool insist(Attempt attempt) {
    const client::Deadline deadline = client::Clock::now() + kPatience;
    while (attempt() != 0) {
        if (errno != EBUSY || client::Clock::now() > deadline) return false;
        client::pause_for(std::chrono::milliseconds{1}, deadline);
    }
    return true;
}

// Where the disk has the byte of a file.
std::optional<fiemap_extent> extent_at(int file, std::uint64_t offset) {
    alignas(fiemap) std::array<char, sizeof(fiemap) + sizeof(fiemap_extent)> room{};
    auto* map = new (room.data()) fiemap{};
    map->fm_start = offset;
    map->fm_length = 1;
    map->fm_extent_count = 1;
    if (::ioctl(file, FS_IOC_FIEMAP, map) != 0) fail("the map of a file");
    if (map->fm_mapped_extents == 0) return std::nullopt;
    return map->fm_extents[0];
}

}  // namespace

LoopFileSystem::LoopFileSystem(LoopOptions options) : options_(std::move(options)) {
    enter_private_mount_namespace();
    if (::mkdir(path().c_str(), 0700) != 0) fail(path());
    make();
    attach();
    mount();
}

LoopFileSystem::~LoopFileSystem() {
    root_ = {};
    // Detached even if a program of a failed test still has files open there.
    if (::umount2(path().c_str(), 0) != 0) ::umount2(path().c_str(), MNT_DETACH);
}

// The file needs no name once it is made: the loop device keeps it, and it goes with the device.
void LoopFileSystem::make() {
    const auto file = scratch_ / "disk";
    image_ = client::Descriptor{::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    if (::ftruncate(image_.number(), static_cast<off_t>(options_.bytes)) != 0) fail(file);
    const auto made =
        run({"mkfs.ext4", "-q", "-F", "-m", "0", "-J", "size=8", "-b",
             std::to_string(options_.block_bytes), "-E", "lazy_itable_init=1,nodiscard", file});
    if (made.exit == 127) throw std::system_error(ENOENT, std::system_category(), "mkfs.ext4");
    if (made.exit != 0) throw std::runtime_error("mkfs.ext4: " + made.error);
    ::unlink(file.c_str());
}

// Another process may take the free device first; then the next is asked for.
void LoopFileSystem::attach() {
    const client::Descriptor control{::open("/dev/loop-control", O_RDWR | O_CLOEXEC)};
    if (!control.is_open()) fail("/dev/loop-control");
    const bool attached = insist([&] {
        const int number = ::ioctl(control.number(), LOOP_CTL_GET_FREE);
        if (number < 0) return -1;
        device_path_ = "/dev/loop" + std::to_string(number);
        device_ = client::Descriptor{::open(device_path_.c_str(), O_RDWR | O_CLOEXEC)};
        if (!device_.is_open()) return -1;
        loop_config config{};
        config.fd = static_cast<std::uint32_t>(image_.number());
        config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
        return ::ioctl(device_.number(), LOOP_CONFIGURE, &config);
    });
    if (!attached) fail("a loop device (" + device_path_ + ")");
}

void LoopFileSystem::mount() {
    if (::mount(device_path_.c_str(), path().c_str(), "ext4", 0, options_.mount_options.c_str()) !=
        0) {
        fail("mounting ext4 with " + options_.mount_options);
    }
    root_ = client::Descriptor{::open(path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!root_.is_open()) fail(path());
}

void LoopFileSystem::unmount() {
    root_ = {};
    if (!insist([this] { return ::umount2(path().c_str(), 0); })) fail("unmounting " + path());
}

// Behind the file system's back: the bytes go where the file's blocks lie on the disk.
bool LoopFileSystem::let_reach_disk(const std::string& file, std::uint64_t offset,
                                    std::uint64_t length) const {
    const client::Descriptor source{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
    const auto extent = extent_at(source.number(), offset);
    constexpr auto kNowhere = FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_UNWRITTEN;
    if (!extent || (extent->fe_flags & kNowhere) != 0 ||
        offset + length > extent->fe_logical + extent->fe_length) {
        return false;
    }
    std::string bytes(length, '\0');
    const auto size = static_cast<ssize_t>(length);
    const auto place = static_cast<off_t>(extent->fe_physical + (offset - extent->fe_logical));
    if (::pread(source.number(), bytes.data(), length, static_cast<off_t>(offset)) != size ||
        ::pwrite(image_.number(), bytes.data(), length, place) != size) {
        fail(file);
    }
    return true;
}

void LoopFileSystem::cut_power(PowerCut cut) const {
    const auto how = static_cast<std::uint32_t>(cut);
    if (::ioctl(root_.number(), kShutdown, &how) != 0) fail("ext4's shutdown");
}

void LoopFileSystem::remount() {
    unmount();
    mount();
}

void LoopFileSystem::copy_disk(const std::string& file) const {
    const client::Descriptor copy{
        ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    if (::ftruncate(copy.number(), static_cast<off_t>(options_.bytes)) != 0) fail(file);
    std::array<char, 64 * 1024> block{};
    for (off_t at = 0;;) {
        const auto got = ::pread(image_.number(), block.data(), block.size(), at);
        if (got < 0) fail("reading the disk");
        if (got == 0) return;
        const bool is_hole =
            std::all_of(block.begin(), block.begin() + got, [](char byte) { return byte == '\0'; });
        if (!is_hole &&
            ::pwrite(copy.number(), block.data(), static_cast<std::size_t>(got), at) != got) {
            fail(file);
        }
        at += got;
    }
}

// Only what says "not here" is a reason to skip; any other failure is one.
bool can_cut_power() {
    static const std::string obstacle = [] {
        try {
            const LoopFileSystem probe{{.bytes = 32ULL * 1024 * 1024}};
            probe.cut_power(PowerCut::kLosesAll);
            return std::string{};
        } catch (const std::system_error& error) {
            const std::array<int, 6> absent{EPERM, EACCES, ENOENT, ENODEV, ENXIO, ENOTTY};
            const bool is_absent =
                std::find(absent.begin(), absent.end(), error.code().value()) != absent.end();
            if (!is_absent) throw;
            return std::string{error.what()};
        }
    }();
    if (!obstacle.empty()) {
        MESSAGE("SKIPPED: power cuts take root, loop devices and mkfs.ext4: " << obstacle);
    }
    return obstacle.empty();
}

}  // namespace ticketd::testing
