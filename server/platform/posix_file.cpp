#include "server/platform/posix_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "common/socket_path.h"

namespace ticketd::platform {
namespace {

std::error_code last_error() {
    return {errno, std::system_category()};
}

std::error_code result_of(int outcome) {
    return outcome == 0 ? std::error_code{} : last_error();
}

// A name that leads to no file of a store: error numbers, in words that say what to look for.
class UnfitFile final : public std::error_category {
  public:
    const char* name() const noexcept override { return "unfit file"; }
    std::string message(int error) const override {
        if (error == ELOOP) return "is a symbolic link, which is not followed";
        if (error == EMLINK) return "has other names too (hard links)";
        return "is not a regular file";
    }
    std::error_condition default_error_condition(int error) const noexcept override {
        return std::generic_category().default_error_condition(error);
    }
};

std::error_code unfit(int error) {
    static const UnfitFile category;
    return {error, category};
}

FileId id_of(const struct stat& info) {
    return {info.st_dev, info.st_ino};
}

struct flock lock_request(short type, ByteRange range) {
    struct flock request{};
    request.l_type = type;
    request.l_whence = SEEK_SET;
    request.l_start = static_cast<off_t>(range.offset);
    request.l_len = static_cast<off_t>(range.length);
    return request;
}

// Those whose files other machines, or programs of users, may change behind our back. Numbers from
// statfs(2) and linux/magic.h.
constexpr std::pair<std::uint32_t, std::string_view> kNetworkFileSystems[] = {
    {0x6969, "NFS"},        {0x517B, "SMB"},       {0xFF534D42, "CIFS"},  {0xFE534D42, "SMB2"},
    {0x65735546, "FUSE"},   {0x01021997, "9P"},    {0x00C36400, "Ceph"},  {0x5346414F, "AFS"},
    {0x6B414653, "kAFS"},   {0x73757245, "Coda"},  {0x7461636F, "OCFS2"}, {0x01161970, "GFS2"},
    {0x0BD00BD0, "Lustre"}, {0x47504653, "GPFS"},  {0x564C, "NCP"},       {0x19830326, "BeeGFS"},
    {0x786F4256, "vboxsf"}, {0xAAD7AAEA, "PanFS"},
};

class PosixFile final : public File {
  public:
    PosixFile(FileDescriptor descriptor, FileId id) : descriptor_(std::move(descriptor)), id_(id) {}

    ReadResult read_at(std::span<char> buffer, std::uint64_t offset) override {
        std::size_t done = 0;
        while (done < buffer.size()) {
            const auto got = ::pread(descriptor_.get(), buffer.data() + done, buffer.size() - done,
                                     static_cast<off_t>(offset + done));
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return {done, last_error()};
            if (got == 0) break;
            done += static_cast<std::size_t>(got);
        }
        return {done, {}};
    }

    std::error_code write_at(std::string_view bytes, std::uint64_t offset) override {
        while (!bytes.empty()) {
            const auto put =
                ::pwrite(descriptor_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
            if (put < 0 && errno == EINTR) continue;
            if (put < 0) return last_error();
            if (put == 0) return std::make_error_code(std::errc::io_error);
            bytes.remove_prefix(static_cast<std::size_t>(put));
            offset += static_cast<std::uint64_t>(put);
        }
        return {};
    }

    std::error_code sync_data() override { return result_of(::fdatasync(descriptor_.get())); }

    std::error_code allocate(std::uint64_t size) override {
        int error = EINTR;
        while (error == EINTR) {
            error = ::posix_fallocate(descriptor_.get(), 0, static_cast<off_t>(size));
        }
        return {error, std::system_category()};
    }

    std::error_code truncate(std::uint64_t size) override {
        return result_of(::ftruncate(descriptor_.get(), static_cast<off_t>(size)));
    }

    SizeResult size() override {
        struct stat info{};
        if (::fstat(descriptor_.get(), &info) != 0) return {0, last_error()};
        return {static_cast<std::uint64_t>(info.st_size), {}};
    }

    LockResult try_lock(LockKind kind, ByteRange range) override {
        auto request = lock_request(kind == LockKind::kShared ? F_RDLCK : F_WRLCK, range);
        while (::fcntl(descriptor_.get(), F_OFD_SETLK, &request) != 0) {
            if (errno == EAGAIN || errno == EACCES) return LockResult::kHeldElsewhere;
            if (errno != EINTR) return LockResult::kFailed;
        }
        return LockResult::kLocked;
    }

    void unlock(ByteRange range) override {
        auto request = lock_request(F_UNLCK, range);
        while (::fcntl(descriptor_.get(), F_OFD_SETLK, &request) != 0 && errno == EINTR) {
        }
    }

    FileId id() const override { return id_; }

  private:
    FileDescriptor descriptor_;
    FileId id_;
};

std::system_error failure(int error, const std::string& what) {
    return {error, std::system_category(), what};
}

FileDescriptor open_directory(const std::string& path) {
    FileDescriptor descriptor{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!descriptor.is_open()) throw failure(errno, path);
    return descriptor;
}

}  // namespace

std::unique_ptr<PosixDirectory> PosixDirectory::open_existing(const std::string& path) {
    return std::unique_ptr<PosixDirectory>(new PosixDirectory(open_directory(path)));
}

std::unique_ptr<PosixDirectory> PosixDirectory::open_or_create_private(const std::string& path) {
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) throw failure(errno, path);
    // Also when it was there: whoever made it may have died before this.
    if (::fsync(open_directory(parent_directory(path)).get()) != 0) throw failure(errno, path);
    auto descriptor = open_directory(path);
    struct stat info{};
    if (::fstat(descriptor.get(), &info) != 0) throw failure(errno, path);
    if (info.st_uid != ::geteuid()) throw failure(EPERM, path + ": owned by another user");
    if ((info.st_mode & 077) != 0) {
        throw failure(EPERM, path + ": others may enter it; its mode must be 0700");
    }
    return std::unique_ptr<PosixDirectory>(new PosixDirectory(std::move(descriptor)));
}

OpenResult PosixDirectory::open(const std::string& name, OpenMode mode) {
    // A file that lost its name between the two calls was replaced: its name stands for another.
    constexpr int kTries = 100;
    auto opened = try_open(name, mode);
    for (int i = 1; i < kTries && opened.error == std::error_code{ESTALE, std::system_category()};
         ++i)
        opened = try_open(name, mode);
    return opened;
}

OpenResult PosixDirectory::try_open(const std::string& name, OpenMode mode) {
    int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;  // a FIFO in a file's place must not block us
    flags |= mode == OpenMode::kReadOnly ? O_RDONLY : O_RDWR;
    if (mode == OpenMode::kCreateNew) flags |= O_CREAT | O_EXCL;
    // A slot is read before each sale: that must not change the inode, which syncs would write.
    const auto open_with = [&](int more) {
        return FileDescriptor{::openat(descriptor_.get(), name.c_str(), flags | more, 0600)};
    };
    auto descriptor = open_with(O_NOATIME);
    if (!descriptor.is_open() && errno == EPERM) descriptor = open_with(0);  // another user's file
    if (!descriptor.is_open()) {
        const bool is_unfit = errno == ELOOP || errno == EISDIR;
        return {nullptr, is_unfit ? unfit(errno) : last_error()};
    }
    struct stat info{};
    if (::fstat(descriptor.get(), &info) != 0) return {nullptr, last_error()};
    if (!S_ISREG(info.st_mode)) return {nullptr, unfit(EINVAL)};
    if (info.st_nlink == 0) return {nullptr, {ESTALE, std::system_category()}};
    if (info.st_nlink != 1) return {nullptr, unfit(EMLINK)};
    return {std::make_unique<PosixFile>(std::move(descriptor), id_of(info)), {}};
}

std::error_code PosixDirectory::rename(const std::string& from, const std::string& to) {
    return result_of(::renameat(descriptor_.get(), from.c_str(), descriptor_.get(), to.c_str()));
}

std::error_code PosixDirectory::remove(const std::string& name) {
    return result_of(::unlinkat(descriptor_.get(), name.c_str(), 0));
}

std::error_code PosixDirectory::sync() {
    return result_of(::fsync(descriptor_.get()));
}

// Asks for the inode alone: whoever asks for a file's times makes Linux (6.13 and later, multigrain
// timestamps) give the next write a time of its own, and the sync behind it one more block to
// write.
bool PosixDirectory::leads_to(const std::string& name, const File& file) {
    struct statx info{};
    return ::statx(descriptor_.get(), name.c_str(), AT_SYMLINK_NOFOLLOW, STATX_INO, &info) == 0 &&
           FileId{::makedev(info.stx_dev_major, info.stx_dev_minor), info.stx_ino} == file.id();
}

std::optional<std::string> PosixDirectory::network_file_system() const {
    struct statfs info{};
    if (::fstatfs(descriptor_.get(), &info) != 0) throw failure(errno, "statfs");
    return network_file_system_of(static_cast<std::uint32_t>(info.f_type));
}

std::optional<std::string> network_file_system_of(std::uint32_t magic) {
    for (const auto& [known, name] : kNetworkFileSystems) {
        if (known == magic) return std::string{name};
    }
    return std::nullopt;
}

ListResult PosixDirectory::list() {
    const int copy = ::openat(descriptor_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (copy < 0) return {{}, last_error()};
    DIR* stream = ::fdopendir(copy);
    if (stream == nullptr) {
        ::close(copy);
        return {{}, last_error()};
    }
    ListResult result;
    errno = 0;
    while (const dirent* entry = ::readdir(stream)) {  // NOLINT(concurrency-mt-unsafe): own stream
        const std::string name = static_cast<const char*>(entry->d_name);
        if (name != "." && name != "..") result.names.push_back(name);
    }
    if (errno != 0) result.error = last_error();
    ::closedir(stream);
    return result;
}

}  // namespace ticketd::platform
