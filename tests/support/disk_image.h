// The simulated disk as a value: a directory of files (disk_file.h) with their names, and what of
// all that a power cut may leave. Copies are cheap, so a test keeps the image after each operation
// and can cut the power at every one of them later.
//
// A name that was made, moved or removed since the last sync of the directory may be found so or
// not, each for itself: harsher than a file system with a journal, which keeps their order. A move
// is one change. A sync of a file does not save its name.
//
// Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/disk_file.h"

namespace ticketd::tests {

class DiskImage {
  public:
    /// Stays with the file when its name changes, and when it has none any more.
    using FileNumber = std::size_t;
    using Names = std::map<std::string, FileNumber>;

    const Names& names() const { return directory_->names; }
    std::optional<FileNumber> find(const std::string& name) const;
    const DiskFile& file(FileNumber number) const { return *files_[number]; }

    // Each of these is a step of its own.
    FileNumber create(const std::string& name);
    void rename(const std::string& from, const std::string& to);
    void remove(const std::string& name);
    void sync_names();
    void write(FileNumber number, std::uint64_t offset, std::string_view bytes);
    void resize(FileNumber number, std::uint64_t size);
    void sync(FileNumber number);
    void fail_sync(FileNumber number);

    /// Puts a synced file there, or takes a file and its name away.
    void set(const std::string& name, Content content);
    void erase(const std::string& name);

    /// True if this name was made, moved or removed since the last sync.
    bool is_unsynced(const std::string& name) const;
    /// Calls `visit` with all that a power cut would decide; `name` is of the file, if any.
    void visit_undecided(
        const std::function<void(const std::string& name, const Undecided&)>& visit) const;
    /// The disk as the next start finds it, all of it synced. `choose` is asked in the order of
    /// visit_undecided().
    DiskImage after_power_cut(const Choose& choose) const;

  private:
    struct NameChange {
        std::string removed;  // or ""
        std::string made;     // or ""
        FileNumber file = 0;
        Undecided undecided{Undecided::Kind::kName, {}, false};
    };

    struct Directory {
        Names names;
        Names synced;
        std::vector<NameChange> unsynced;
    };

    Directory& change_directory();
    DiskFile& change(FileNumber number);
    void note(NameChange change);
    bool can_be_found(FileNumber number) const;

    std::uint64_t steps_ = 0;
    // Shared by copies until one is changed.
    std::shared_ptr<Directory> directory_ = std::make_shared<Directory>();
    std::vector<std::shared_ptr<DiskFile>> files_;
};

}  // namespace ticketd::tests
