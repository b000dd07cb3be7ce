// Where the daemon listens and the client connects when nobody says otherwise.
#pragma once

#include <string>

namespace ticketd {

/// The longest path a Unix socket address holds, without its final NUL (sockaddr_un, unix(7)).
inline constexpr unsigned kSocketPathBytes = 107;

/// `$TICKETD_SOCKET`; else `/run/ticketd/ticketd.sock` when that exists; else
/// `$XDG_RUNTIME_DIR/ticketd.sock`; else `ticketd-<uid>/ticketd.sock` under the temporary
/// directory. Only reads the environment and looks at paths: nothing is created, and whether the
/// directory can be trusted is checked by is_private_directory().
std::string default_socket_path();

/// The last resort's directory, `ticketd-<uid>` under `$TMPDIR` or /tmp, which the daemon creates.
std::string temporary_socket_directory();

/// True if `path` is a directory of the calling user, not a link, that nobody else can enter.
bool is_private_directory(const std::string& path);

/// The part of `path` before its last slash; "." if it has none.
std::string parent_directory(const std::string& path);

}  // namespace ticketd
