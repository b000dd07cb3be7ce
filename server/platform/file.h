// Files as the store sees them: a narrow seam over the system calls, so that tests can put a disk
// in its place that forgets, tears and fails. Two implementations: PosixDirectory (posix_file.h)
// and the tests' MemoryDirectory.
//
// Errors are returned, never thrown: what an error means is the store's decision. Short transfers
// and EINTR are completed inside. One File may be used by one thread at a time; different files
// and the Directory by different threads.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace ticketd::platform {

struct ReadResult {
    std::size_t bytes = 0;  ///< less than asked for at the end of the file, or if no more came
    std::error_code error;
};

struct SizeResult {
    std::uint64_t bytes = 0;
    std::error_code error;
};

/// Bytes [offset, offset + length) of a file; length 0 means to its end, however far it grows.
struct ByteRange {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};

/// Which file it is, whatever its name.
struct FileId {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    bool operator==(const FileId&) const = default;
};

enum class LockKind : std::uint8_t { kShared, kExclusive };
enum class LockResult : std::uint8_t { kLocked, kHeldElsewhere, kFailed };

class File {
  public:
    File() = default;
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    virtual ~File() = default;

    virtual ReadResult read_at(std::span<char> buffer, std::uint64_t offset) = 0;

    /// Writes all of `bytes` or returns an error; after an error any part of them may have landed.
    /// Nothing is durable on return.
    [[nodiscard]] virtual std::error_code write_at(std::string_view bytes,
                                                   std::uint64_t offset) = 0;

    /// fdatasync: on success all bytes written before, and the size needed to read them, survive a
    /// power cut. After a failure the state of those bytes is unknown and a second call proves
    /// nothing: the caller must not go on.
    [[nodiscard]] virtual std::error_code sync_data() = 0;

    /// Reserves space up to `size` (and grows the file to it), so that later writes below it do not
    /// run out of space.
    [[nodiscard]] virtual std::error_code allocate(std::uint64_t size) = 0;
    [[nodiscard]] virtual std::error_code truncate(std::uint64_t size) = 0;
    virtual SizeResult size() = 0;

    virtual FileId id() const = 0;

    /// Takes a record lock that belongs to this open file (OFD lock), without waiting. It conflicts
    /// with classic fcntl locks and with OFD locks of other opens, in this and other processes.
    virtual LockResult try_lock(LockKind kind, ByteRange range) = 0;
    virtual void unlock(ByteRange range) = 0;
};

enum class OpenMode : std::uint8_t {
    kReadOnly,
    kReadWrite,  ///< must exist
    kCreateNew,  ///< read and write; must not exist
};

struct OpenResult {
    std::unique_ptr<File> file;  ///< null on error
    std::error_code error;
};

struct ListResult {
    std::vector<std::string> names;  ///< in no order, without "." and ".."
    std::error_code error;
};

class Directory {
  public:
    Directory() = default;
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    virtual ~Directory() = default;

    /// Opens a regular file of this directory; refused are symbolic links
    /// (too_many_symbolic_link_levels), files that have other names too (too_many_links), and what
    /// is no file (is_a_directory, invalid_argument). Files are created with mode 0600. The File
    /// must not outlive the Directory.
    virtual OpenResult open(const std::string& name, OpenMode mode) = 0;
    [[nodiscard]] virtual std::error_code rename(const std::string& from,
                                                 const std::string& to) = 0;
    [[nodiscard]] virtual std::error_code remove(const std::string& name) = 0;
    /// Makes creations, renames and removals durable.
    [[nodiscard]] virtual std::error_code sync() = 0;
    virtual ListResult list() = 0;
    /// True if `name` still leads to `file`: nobody has removed it or put another in its place.
    virtual bool leads_to(const std::string& name, const File& file) = 0;
};

}  // namespace ticketd::platform
