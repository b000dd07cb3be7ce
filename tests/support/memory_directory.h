// A disk for tests, behind the store's own seam: it remembers what was synced, and at a crash it
// forgets, keeps or tears the rest. It can fail any operation. Locks can be held by "somebody
// else". Thread-safe, because the store writes from two threads.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <system_error>

#include "server/platform/file.h"

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

class MemoryDirectory final : public platform::Directory {
  public:
    platform::OpenResult open(const std::string& name, platform::OpenMode mode) override;
    std::error_code rename(const std::string& from, const std::string& to) override;
    std::error_code remove(const std::string& name) override;
    std::error_code sync() override;
    platform::ListResult list() override;
    bool leads_to(const std::string& name, const platform::File& file) override;

    /// The disk as it is found after the power went: a new directory, everything in it synced.
    std::unique_ptr<MemoryDirectory> after_crash(Unsynced unsynced, std::uint32_t seed = 0) const;

    /// Asked before each operation that changes something; an error is returned to the caller and
    /// nothing is done (half of the bytes land, for a write). Called with the lock held.
    using Fault = std::function<std::error_code(Operation, const std::string& name)>;
    void set_fault(Fault fault);
    /// Asked before each read, without the lock: how many of the bytes asked for it may give.
    using ReadLimit = std::function<std::size_t(const std::string& name, std::uint64_t offset,
                                                std::size_t bytes)>;
    void set_read_limit(ReadLimit limit);
    /// How many changing operations there were.
    std::uint64_t operations() const;

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
    /// Bytes behind the last one ever written are zeros that take no memory.
    struct Content {
        std::string bytes;
        std::uint64_t size = 0;
    };
    struct Inode {
        Content now;
        Content synced;
    };
    using Names = std::map<std::string, std::shared_ptr<Inode>>;

    static std::string whole(const Content& content);
    static Content torn(const Content& synced, const Content& now, std::mt19937& random);
    std::string name_of(const Inode& inode) const;
    std::size_t read_limit(const Inode& inode, std::uint64_t offset, std::size_t bytes) const;
    std::error_code admit(Operation operation, const std::string& name);

    mutable std::mutex mutex_;
    Names names_;
    Names synced_names_;
    Fault fault_;
    ReadLimit read_limit_;
    std::uint64_t operations_ = 0;
    bool locks_held_ = false;
};

}  // namespace ticketd::tests
