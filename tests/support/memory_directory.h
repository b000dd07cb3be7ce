// A disk for tests, behind the store's own seam: it remembers what was synced, and at a crash it
// forgets, keeps or tears the rest (disk_image.h). It can fail any operation, and keep what the
// disk was like after each of them. Locks can be held by "somebody else". Thread-safe, because the
// store writes from two threads.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "server/platform/file.h"
#include "tests/support/disk_image.h"

namespace ticketd::tests {

/// What becomes of bytes and names that were not synced when the power goes.
enum class Unsynced : std::uint8_t {
    kLost,
    kKept,
    kTorn,  ///< each sector of 512 bytes and each name on its own, by chance
};

enum class Operation : std::uint8_t {
    kWrite,
    kSync,
    kAllocate,
    kTruncate,
    kRename,
    kRemove,
    kSyncDirectory,
    kCreate
};
const char* operation_name(Operation operation);

class MemoryDirectory final : public platform::Directory {
  public:
    explicit MemoryDirectory(DiskImage image = {}) : image_(std::move(image)) {}

    platform::OpenResult open(const std::string& name, platform::OpenMode mode) override;
    std::error_code rename(const std::string& from, const std::string& to) override;
    std::error_code remove(const std::string& name) override;
    std::error_code sync() override;
    platform::ListResult list() override;
    bool leads_to(const std::string& name, const platform::File& file) override;

    /// The disk as it is found after the power went: a new directory, everything in it synced.
    std::unique_ptr<MemoryDirectory> after_crash(Unsynced unsynced, std::uint32_t seed = 0) const;

    /// How an operation goes wrong. Nothing is done, but that some bytes of a write land, and that
    /// what a failed sync should have saved may be lost although a later sync succeeds.
    struct Failure {
        Failure() = default;
        // Implicit, so that a fault may be told by its error alone.
        Failure(std::error_code what) : error(what) {}
        Failure(std::error_code what, double part) : error(what), landed(part) {}

        std::error_code error;
        double landed = 0.5;  ///< what part of the bytes of a write
    };
    /// Asked before each operation that changes something. Called with the lock held.
    using Fault = std::function<Failure(Operation, const std::string& name)>;
    void set_fault(Fault fault);
    /// Asked before each read, without the lock: how many of the bytes asked for it may give.
    using ReadLimit = std::function<std::size_t(const std::string& name, std::uint64_t offset,
                                                std::size_t bytes)>;
    void set_read_limit(ReadLimit limit);
    /// How many changing operations there were, failed ones too.
    std::uint64_t operations() const;

    /// From now on keeps the disk as it is after each changing operation.
    struct Step {
        Operation operation;
        std::string name;
        std::error_code error;
        DiskImage after;
    };
    void record();
    /// One for each operation since record(). For when no other thread works on the disk.
    const std::vector<Step>& steps() const { return steps_; }

    /// The process that uses the disk is no more: whatever it still tries fails, changes nothing
    /// and is not counted. Until resume().
    void stop();
    /// The same, when so many more operations were done.
    void stop_after(std::uint64_t operations);
    void resume();

    /// Changes with every sync of the directory, every operation that fails, with stop() and with
    /// tell_news().
    std::uint64_t news() const;
    /// Waits until it is no longer `known`.
    void wait_for_news(std::uint64_t known) const;
    void tell_news();

    /// True if this name was made, moved or removed since the last sync of the directory.
    bool is_unsynced(const std::string& name) const;
    DiskImage image() const;
    /// Puts another disk in this one's place. No file may be open.
    void replace(DiskImage image);

    /// While set, every record lock is held by somebody else.
    void hold_locks(bool held);

    std::string content(const std::string& name) const;
    void set_content(const std::string& name, std::string bytes);
    /// Writes to the file that has this name, as another program would.
    void overwrite(const std::string& name, std::string bytes);
    bool exists(const std::string& name) const;
    void erase(const std::string& name);
    std::map<std::string, std::string> all() const;

  private:
    friend class MemoryFile;

    std::string name_of(DiskImage::FileNumber file) const;
    std::size_t read_limit(DiskImage::FileNumber file, std::uint64_t offset,
                           std::size_t bytes) const;
    Failure admit(Operation operation, const std::string& name);
    std::error_code done(Operation operation, const std::string& name, std::error_code error = {});

    mutable std::mutex mutex_;
    mutable std::condition_variable has_news_;
    std::uint64_t news_ = 0;
    DiskImage image_;
    Fault fault_;
    ReadLimit read_limit_;
    std::uint64_t operations_ = 0;
    bool is_recording_ = false;
    std::vector<Step> steps_;
    bool is_stopped_ = false;
    std::optional<std::uint64_t> left_;  // operations until it is stopped
    bool locks_held_ = false;
};

}  // namespace ticketd::tests
