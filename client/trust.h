// Whether the process behind a socket may be told what we want to buy. Anybody can bind a socket in
// a directory that anybody can write; the kernel tells who did.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace ticketd::client {

/// Who owns the directory a socket lies in, and whether anybody else can put files there.
struct SocketDirectory {
    uid_t owner;
    bool is_writable_by_others;
};

/// A server is trusted if it is root, ourselves, or the owner of a directory only he can write.
bool is_trusted_server(uid_t server, uid_t self, std::optional<SocketDirectory> directory);

/// Why the listener that the connected socket `fd` reached through `path` is not to be trusted;
/// nothing if it is. To be asked before the first byte is sent. Default sockets under the temporary
/// directory, where anybody can make the directory first, must be in a private one of our own.
std::optional<std::string> reason_to_distrust(int fd, const std::string& path);

}  // namespace ticketd::client
