// An ext4 file system of a test's own, on a loop device over a file, whose power can be cut: with
// ext4's own shutdown call everything that was not synced is gone, as after a real power cut.
//
// Needs root and loop devices. Mounts only in a private mount namespace, so that nobody else sees
// it and nothing is left behind, however the test ends. Not thread-safe; use it from the main
// thread.
#pragma once

#include <cstdint>
#include <string>

#include "client/descriptor.h"
#include "tests/support/process_scratch.h"

namespace ticketd::testing {

/// What a power cut leaves of bytes and names that were not synced. The numbers are those of the
/// call.
enum class PowerCut : std::uint32_t {
    kKeepsAll = 0,    ///< as if the disk had just been in time
    kKeepsNames = 1,  ///< names and sizes are kept, bytes need not be
    kLosesAll = 2,
};

struct LoopOptions {
    std::uint64_t bytes = 256ULL * 1024 * 1024;
    unsigned block_bytes = 4096;
    /// Of mount(8), for ext4. Its journal is never written without need, which would sync what the
    /// program forgot to.
    std::string mount_options = "commit=600";
};

class LoopFileSystem {
  public:
    /// Made and mounted. Throws, with the reason, where that is not possible.
    explicit LoopFileSystem(LoopOptions options = {});
    LoopFileSystem(const LoopFileSystem&) = delete;
    LoopFileSystem& operator=(const LoopFileSystem&) = delete;
    ~LoopFileSystem();

    std::string path() const { return scratch_ / "mnt"; }

    /// The disk gets bytes of a file that were not synced, as it might at any time by itself. They
    /// must lie in space the file was given before. False if they do not.
    bool let_reach_disk(const std::string& file, std::uint64_t offset, std::uint64_t length) const;

    /// From now on every write and sync on it fails. Programs that have files open on it must end
    /// before remount().
    void cut_power(PowerCut cut) const;
    /// Mounts what the disk holds.
    void remount();
    /// Copies the whole disk into a file, holes kept.
    void copy_disk(const std::string& file) const;

  private:
    void make();
    void attach();
    void mount();
    void unmount();

    LoopOptions options_;
    ScratchDirectory scratch_;
    client::Descriptor image_, device_, root_;
    std::string device_path_;
};

/// False, and said so, where no LoopFileSystem can be had.
bool can_cut_power();

}  // namespace ticketd::testing
