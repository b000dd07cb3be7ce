// The two directories of a backup: the store's, read while a daemon changes it, and the new one.
// Failures are `storage`, exit 74, and name the file. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/backup/store_files.h"
#include "client/descriptor.h"
#include "client/failure.h"

namespace ticketd::client {

/// `storage: FILE: what the error number means`
Failure storage_failure(const std::string& file, int error);
Failure storage_failure(const std::string& file, const std::string& problem);

/// The data directory of a daemon.
class StoreDirectory {
  public:
    static Outcome<StoreDirectory> open(const std::string& path, std::string store_id);

    struct File {
        Descriptor descriptor;
        std::uint64_t bytes = 0;
    };
    /// Opens a file for reading, if it is one of this store; links are not followed, because
    /// whoever owns the directory may not be allowed to read what we may. A file without a
    /// descriptor: there is none of this name.
    Outcome<File> find(const std::string& name, FileKind kind) const;
    /// All of a file, which must exist.
    Outcome<std::string> read_file(const std::string& name, FileKind kind,
                                   std::size_t bytes_max) const;
    /// 0 if there is no such file.
    std::uint64_t size_of(const std::string& name) const;

    const std::string& store_id() const { return store_id_; }
    std::string path_of(const std::string& name) const { return path_ + "/" + name; }

  private:
    StoreDirectory(std::string path, Descriptor descriptor, std::string store_id)
        : path_(std::move(path)),
          directory_(std::move(descriptor)),
          store_id_(std::move(store_id)) {}

    std::string path_;
    Descriptor directory_;
    std::string store_id_;
};

/// The directory that becomes the copy. Until commit() it holds kUnfinishedFile.
class CopyDirectory {
  public:
    /// Makes the directory, for our user alone, or takes one that is empty and ours.
    static Outcome<CopyDirectory> claim(std::string path);

    /// Makes a file, for our user alone.
    Outcome<Descriptor> create(const std::string& name);
    std::optional<Failure> remove(const std::string& name);
    /// Precondition: all files are whole and synced. Makes the directory a store with this
    /// checkpoint, durably.
    std::optional<Failure> commit(std::string_view checkpoint);
    /// Removes everything that was made. What became of it, as the rest of a failure's message.
    std::string discard();

    std::size_t files() const { return names_.size(); }
    std::string path_of(const std::string& name) const { return path_ + "/" + name; }

  private:
    CopyDirectory(std::string path, Descriptor descriptor, bool is_new)
        : path_(std::move(path)), directory_(std::move(descriptor)), is_new_(is_new) {}

    std::optional<Failure> sync_names() const;

    std::string path_;
    Descriptor directory_;
    bool is_new_;
    std::vector<std::string> names_;
};

}  // namespace ticketd::client
