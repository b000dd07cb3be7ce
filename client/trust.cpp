#include "client/trust.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "common/socket_path.h"

namespace ticketd::client {
namespace {

using OwnedText = std::unique_ptr<char, decltype(&std::free)>;

// `directory` without links, from the root; empty if there is no such directory.
std::string resolved(const std::string& directory) {
    const OwnedText path{::realpath(directory.c_str(), nullptr), &std::free};
    return path ? path.get() : "";
}

// Both the way that the path names and the one it leads to, should there be links on it.
bool is_trusted_at(uid_t server, uid_t self, const std::string& directory) {
    const auto target = resolved(directory);
    return is_trusted_server(server, self, way_to(target)) &&
           (target == directory || is_trusted_server(server, self, way_to(directory)));
}

}  // namespace

bool is_trusted_server(uid_t server, uid_t self, const std::vector<WayDirectory>& way) {
    if (server == 0 || server == self) return true;
    if (way.empty() || way.front().owner != server || way.front().is_writable_by_others) {
        return false;
    }
    for (std::size_t i = 1; i < way.size(); ++i) {
        const auto& [owner, name_owner, is_writable_by_others, is_sticky] = way[i];
        if (owner != 0 && owner != self && owner != server) return false;
        if (!is_writable_by_others) continue;
        const auto& below = way[i - 1];
        const bool is_given = below.name_owner == 0 || below.name_owner == self;
        if (!is_sticky || !is_given) return false;
    }
    return true;
}

std::vector<WayDirectory> way_to(std::string directory) {
    std::vector<WayDirectory> way;
    if (directory.empty()) return way;
    if (directory.front() != '/') directory = resolved(".") + '/' + directory;
    for (;; directory = parent_directory(directory)) {
        struct stat target{};
        struct stat name{};
        if (::stat(directory.c_str(), &target) != 0 || ::lstat(directory.c_str(), &name) != 0) {
            return {};
        }
        way.push_back({target.st_uid, name.st_uid, (target.st_mode & 022) != 0,
                       (target.st_mode & S_ISVTX) != 0});
        if (directory == "/") return way;
    }
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
    // The usual cases need no look at the directories: a few system calls less on each start.
    const uid_t self = ::geteuid();
    if (is_trusted_server(peer.uid, self, {}) || is_trusted_at(peer.uid, self, directory)) {
        return std::nullopt;
    }
    return path + " is served by uid " + std::to_string(peer.uid) +
           ", who is neither root, nor you, nor the only one who can write its directory in a "
           "place that root or you gave him";
}

}  // namespace ticketd::client
