#include "client/trust.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/socket_path.h"

namespace ticketd::client {

bool is_trusted_server(uid_t server, uid_t self, std::optional<SocketDirectory> directory) {
    if (server == 0 || server == self) return true;
    return directory && directory->owner == server && !directory->is_writable_by_others;
}

std::optional<std::string> reason_to_distrust(int fd, const std::string& path) {
    const auto directory = parent_directory(path);
    if (directory == temporary_socket_directory() && !is_private_directory(directory)) {
        return directory + " is not a private directory of yours";
    }
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        return "the kernel does not say who listens on " + path;
    }
    // The usual cases need no look at the directory: one system call less on each start.
    const uid_t self = ::geteuid();
    if (is_trusted_server(peer.uid, self, std::nullopt)) return std::nullopt;
    struct stat info{};
    if (::stat(directory.c_str(), &info) == 0 &&
        is_trusted_server(peer.uid, self,
                          SocketDirectory{info.st_uid, (info.st_mode & 022) != 0})) {
        return std::nullopt;
    }
    return path + " is served by uid " + std::to_string(peer.uid) +
           ", who is neither root, nor you, nor the only one who can write its directory";
}

}  // namespace ticketd::client
