// The real disk: File and Directory over POSIX calls, relative to a directory descriptor.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "server/platform/file.h"
#include "server/platform/file_descriptor.h"

namespace ticketd::platform {

/// The kind of file system that statfs(2) reports by this number, if it is one that is shared over
/// a network or served by a program (FUSE).
std::optional<std::string> network_file_system_of(std::uint32_t magic);

class PosixDirectory final : public Directory {
  public:
    /// Opens an existing directory. Throws std::system_error.
    static std::unique_ptr<PosixDirectory> open_existing(const std::string& path);

    /// Creates the directory with mode 0700 if it is missing (its parent must exist) and makes that
    /// durable. Throws std::system_error; also if somebody else owns it or others may enter it,
    /// because a store that others can rename files in cannot be trusted.
    static std::unique_ptr<PosixDirectory> open_or_create_private(const std::string& path);

    OpenResult open(const std::string& name, OpenMode mode) override;
    std::error_code rename(const std::string& from, const std::string& to) override;
    std::error_code remove(const std::string& name) override;
    std::error_code sync() override;
    ListResult list() override;
    bool leads_to(const std::string& name, const File& file) override;

    /// The kind of file system it is on, if that is shared over a network or served by a program
    /// (FUSE): locks and syncs promise less there. Throws std::system_error.
    std::optional<std::string> network_file_system() const;

  private:
    OpenResult try_open(const std::string& name, OpenMode mode);
    explicit PosixDirectory(FileDescriptor descriptor) : descriptor_(std::move(descriptor)) {}

    FileDescriptor descriptor_;
};

}  // namespace ticketd::platform
