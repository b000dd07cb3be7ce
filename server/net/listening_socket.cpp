#include "server/net/listening_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "common/socket_path.h"

namespace ticketd::net {
namespace {

using platform::FileDescriptor;

constexpr int kBacklog = 4096;

[[noreturn]] void fail(const std::string& path, const std::string& problem) {
    throw AddressUnavailable(path + ": " + problem);
}

[[noreturn]] void fail_with_errno(const std::string& path) {
    fail(path, std::generic_category().message(errno));
}

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() > kSocketPathBytes) {
        fail(path, "a socket path holds at most " + std::to_string(kSocketPathBytes) +
                       " bytes, this one has " + std::to_string(path.size()));
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

FileDescriptor new_socket(const std::string& path) {
    FileDescriptor made{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!made.is_open()) fail_with_errno(path);
    return made;
}

FileDescriptor lock_path(const std::string& path) {
    const auto lock_name = path + ".lock";
    FileDescriptor lock{
        ::open(lock_name.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600)};
    if (!lock.is_open()) fail_with_errno(lock_name);
    struct flock request{};
    request.l_type = F_WRLCK;
    request.l_whence = SEEK_SET;
    if (::fcntl(lock.get(), F_OFD_SETLK, &request) != 0) {
        if (errno != EAGAIN && errno != EACCES) fail_with_errno(lock_name);
        fail(path, "another daemon has this address");
    }
    return lock;
}

// Removes a socket that a dead daemon left behind.
void clear_stale(const std::string& path) {
    struct stat info{};
    if (::lstat(path.c_str(), &info) != 0) {
        if (errno == ENOENT) return;
        fail_with_errno(path);
    }
    if (!S_ISSOCK(info.st_mode)) fail(path, "exists and is not a socket; left alone");
    if (info.st_uid != ::geteuid()) fail(path, "a socket of another user; left alone");
    const auto address = address_of(path);
    const auto probe = new_socket(path);
    if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
        errno == EAGAIN) {
        fail(path, "another daemon answers at this address");
    }
    if (errno != ECONNREFUSED) fail_with_errno(path);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) fail_with_errno(path);
}

}  // namespace

ListeningSocket::ListeningSocket(std::string path, unsigned mode) : path_(std::move(path)) {
    const auto address = address_of(path_);
    lock_ = lock_path(path_);
    clear_stale(path_);
    socket_ = new_socket(path_);
    // Set on the socket before bind, the mode is there when the file appears; the umask would only
    // take bits away.
    if (::fchmod(socket_.get(), mode) != 0) fail_with_errno(path_);
    const auto previous = ::umask(0);
    const int bound =
        ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int bind_error = errno;
    ::umask(previous);
    errno = bind_error;
    if (bound != 0) fail_with_errno(path_);
    struct stat info{};
    if (::lstat(path_.c_str(), &info) != 0) fail_with_errno(path_);
    device_ = info.st_dev;
    inode_ = info.st_ino;
}

void ListeningSocket::listen() {
    if (::listen(socket_.get(), kBacklog) != 0) fail_with_errno(path_);
}

ListeningSocket::~ListeningSocket() {
    struct stat info{};
    if (inode_ != 0 && ::lstat(path_.c_str(), &info) == 0 && info.st_dev == device_ &&
        info.st_ino == inode_) {
        ::unlink(path_.c_str());
    }
}

}  // namespace ticketd::net
