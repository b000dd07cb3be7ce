// Whether the process behind a socket may be told what we want to buy. Anybody can bind a socket in
// a directory that anybody can write; the kernel tells who did.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace ticketd::client {

/// A directory on the way to a socket.
struct WayDirectory {
    uid_t owner;
    uid_t name_owner;            ///< of its name: a link may be somebody else's than what it names
    bool is_writable_by_others;  ///< by more than its owner
    bool is_sticky;              ///< then names in it can be removed by their owners only
};

/// Whether `server` may serve us at a socket that lies behind `way`, which starts with the socket's
/// directory and ends with the root. Root and ourselves may, anywhere. So may a user whom root or
/// we gave a directory, such as a service its own under /run: he owns the socket's directory, is
/// the only one who can write it, and nobody but root, us and him had a say in what its path
/// names. A directory that he made in a place open to all, such as /tmp, was given by nobody.
bool is_trusted_server(uid_t server, uid_t self, const std::vector<WayDirectory>& way);

/// The way to `directory` as its path names it; empty if there is none.
std::vector<WayDirectory> way_to(std::string directory);

/// Why the listener that the connected socket `fd` reached through `path` is not to be trusted;
/// nothing if it is. To be asked before the first byte is sent. Default sockets under the temporary
/// directory, where anybody can make the directory first, must be in a private one of our own.
std::optional<std::string> reason_to_distrust(int fd, const std::string& path);

}  // namespace ticketd::client
