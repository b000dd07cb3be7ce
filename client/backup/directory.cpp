#include "client/backup/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/error_kind.h"
#include "common/socket_path.h"

namespace ticketd::client {
namespace {

// The number of bytes read, or -1.
ssize_t read_fully(int fd, char* bytes, std::size_t size) {
    std::size_t done = 0;
    while (done < size) {
        const auto got = ::pread(fd, bytes + done, size - done, static_cast<off_t>(done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    return static_cast<ssize_t>(done);
}

// 0 or the error number.
int write_fully(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto put = ::write(fd, bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return errno;
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return 0;
}

// 0 or the error number. Some file systems have nothing to sync in a directory, and say so.
int sync_directory(int fd) {
    return ::fsync(fd) == 0 || errno == EINVAL ? 0 : errno;
}

// 0, ENOTEMPTY or another error number.
int check_empty(int fd) {
    const int copy = ::openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR* stream = copy < 0 ? nullptr : ::fdopendir(copy);
    if (stream == nullptr) {
        const int error = errno;
        if (copy >= 0) ::close(copy);
        return error;
    }
    int result = 0;
    errno = 0;
    while (const dirent* entry = ::readdir(stream)) {  // NOLINT(concurrency-mt-unsafe): own stream
        const std::string_view name = static_cast<const char*>(entry->d_name);
        if (name != "." && name != "..") result = ENOTEMPTY;
    }
    if (errno != 0) result = errno;
    ::closedir(stream);
    return result;
}

// Why a directory cannot take the copy. What the user named wrongly is no failure of a disk.
Failure claim_failure(const std::string& path, int error) {
    if (error != ENOTEMPTY && error != ENOTDIR) return storage_failure(path, error);
    return {"input", client_exit::kBadInput, path + ": not an empty directory"};
}

Descriptor open_directory(const std::string& path) {
    return Descriptor{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
}

}  // namespace

Failure storage_failure(const std::string& file, const std::string& problem) {
    return {"storage", client_exit::kStorage, file + ": " + problem};
}

Failure storage_failure(const std::string& file, int error) {
    return storage_failure(file, std::string{::strerrordesc_np(error)});
}

Outcome<StoreDirectory> StoreDirectory::open(const std::string& path, std::string store_id) {
    auto directory = open_directory(path);
    if (!directory.is_open()) return storage_failure(path, errno);
    return StoreDirectory{path, std::move(directory), std::move(store_id)};
}

Outcome<StoreDirectory::File> StoreDirectory::find(const std::string& name, FileKind kind) const {
    File file;
    file.descriptor = Descriptor{::openat(directory_.number(), name.c_str(),
                                          O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
    if (!file.descriptor.is_open()) {
        if (errno == ENOENT) return file;
        return storage_failure(path_of(name), errno);
    }
    struct stat info{};
    if (::fstat(file.descriptor.number(), &info) != 0) return storage_failure(path_of(name), errno);
    if (!S_ISREG(info.st_mode)) return storage_failure(path_of(name), "not a regular file");
    file.bytes = static_cast<std::uint64_t>(info.st_size);
    std::string head(kFileHeadBytes, '\0');
    const auto got = read_fully(file.descriptor.number(), head.data(), head.size());
    if (got < 0) return storage_failure(path_of(name), errno);
    head.resize(static_cast<std::size_t>(got));
    if (auto problem = problem_with_head(head, kind, store_id_)) {
        return storage_failure(path_of(name), *problem);
    }
    return file;
}

Outcome<std::string> StoreDirectory::read_file(const std::string& name, FileKind kind,
                                               std::size_t bytes_max) const {
    const auto found = find(name, kind);
    if (const auto* failure = failure_of(found)) return *failure;
    const auto& file = std::get<File>(found);
    if (!file.descriptor.is_open()) return storage_failure(path_of(name), ENOENT);
    if (file.bytes > bytes_max) return storage_failure(path_of(name), "far too long");
    std::string bytes(file.bytes, '\0');
    const auto got = read_fully(file.descriptor.number(), bytes.data(), bytes.size());
    if (got < 0) return storage_failure(path_of(name), errno);
    // Such a file is replaced, never cut: nobody may take a part of it for all.
    if (static_cast<std::size_t>(got) < bytes.size()) {
        return storage_failure(path_of(name), "shorter than it has to be");
    }
    return bytes;
}

std::uint64_t StoreDirectory::size_of(const std::string& name) const {
    struct stat info{};
    if (::fstatat(directory_.number(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return 0;
    return static_cast<std::uint64_t>(info.st_size);
}

Outcome<CopyDirectory> CopyDirectory::claim(std::string path) {
    while (path.size() > 1 && path.ends_with('/'))
        path.pop_back();
    const bool is_new = ::mkdir(path.c_str(), 0700) == 0;
    if (!is_new && errno != EEXIST) return claim_failure(path, errno);
    auto opened = open_directory(path);
    if (!opened.is_open()) return claim_failure(path, errno);
    struct stat info{};
    if (::fstat(opened.number(), &info) != 0) return claim_failure(path, errno);
    if (info.st_uid != ::geteuid()) return storage_failure(path, "belongs to another user");
    CopyDirectory directory{std::move(path), std::move(opened), is_new};
    const int fd = directory.directory_.number();
    if (const int error = check_empty(fd)) return claim_failure(directory.path_, error);
    if (::fchmod(fd, 0700) != 0) return claim_failure(directory.path_, errno);
    auto unfinished = directory.create(kUnfinishedFile);
    auto failure = failure_of(unfinished) != nullptr ? std::optional{*failure_of(unfinished)}
                                                     : directory.sync_names();
    if (!failure) return directory;
    failure->message += directory.discard();
    return *std::move(failure);
}

Outcome<Descriptor> CopyDirectory::create(const std::string& name) {
    Descriptor made{::openat(directory_.number(), name.c_str(),
                             O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (!made.is_open()) return storage_failure(path_of(name), errno);
    names_.push_back(name);
    return made;
}

std::optional<Failure> CopyDirectory::remove(const std::string& name) {
    if (::unlinkat(directory_.number(), name.c_str(), 0) != 0) {
        return storage_failure(path_of(name), errno);
    }
    std::erase(names_, name);
    return std::nullopt;
}

// The names in the directory, and its own.
std::optional<Failure> CopyDirectory::sync_names() const {
    if (const int error = sync_directory(directory_.number())) return storage_failure(path_, error);
    if (!is_new_) return std::nullopt;
    const auto parent = open_directory(parent_directory(path_));
    const int error = parent.is_open() ? sync_directory(parent.number()) : errno;
    if (error != 0) return storage_failure(parent_directory(path_), error);
    return std::nullopt;
}

std::optional<Failure> CopyDirectory::commit(std::string_view checkpoint) {
    const int directory = directory_.number();
    const Descriptor file{::openat(directory, kUnfinishedFile, O_WRONLY | O_NOFOLLOW | O_CLOEXEC)};
    if (!file.is_open()) return storage_failure(path_of(kUnfinishedFile), errno);
    int error = write_fully(file.number(), checkpoint);
    if (error == 0 && ::fdatasync(file.number()) != 0) error = errno;
    if (error != 0) return storage_failure(path_of(kUnfinishedFile), error);
    // Every other name is durable before this one says that they are all there.
    if (auto failure = sync_names()) return failure;
    if (::renameat(directory, kUnfinishedFile, directory, kCheckpointFile) != 0) {
        return storage_failure(path_of(kCheckpointFile), errno);
    }
    names_.front() = kCheckpointFile;
    return sync_names();
}

std::string CopyDirectory::discard() {
    const int directory = directory_.number();
    const bool was_committed = !names_.empty() && names_.front() == kCheckpointFile;
    if (was_committed && ::renameat(directory, kCheckpointFile, directory, kUnfinishedFile) == 0) {
        names_.front() = kUnfinishedFile;
    }
    bool is_gone = true;
    // The mark of an unfinished copy was made first and goes last.
    for (; !names_.empty(); names_.pop_back()) {
        is_gone = ::unlinkat(directory, names_.back().c_str(), 0) == 0 && is_gone;
    }
    if (is_new_ && ::rmdir(path_.c_str()) != 0) is_gone = false;
    return is_gone ? "; nothing was left of the copy" : "; an unfinished copy was left in " + path_;
}

}  // namespace ticketd::client
