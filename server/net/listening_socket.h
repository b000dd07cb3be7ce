// The daemon's address: a Unix socket in the file system, taken over only from the dead and never
// wider open than configured. Start-up and shutdown, one thread.
#pragma once

#include <sys/types.h>

#include <stdexcept>
#include <string>

#include "server/platform/file_descriptor.h"

namespace ticketd::net {

/// Why the address cannot be used; the message is one line for the operator.
class AddressUnavailable : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

class ListeningSocket {
  public:
    /// Binds, non-blocking; until listen() connections are refused. A socket file that nobody
    /// answers is replaced; one that somebody answers, or a file that is no socket, is left alone
    /// and refused. The mode holds from the moment the file exists, whatever the umask. Two daemons
    /// that start at once on one path are kept apart by a lock on `path`.lock, which stays behind.
    /// Throws AddressUnavailable.
    ListeningSocket(std::string path, unsigned mode);
    ListeningSocket(const ListeningSocket&) = delete;
    ListeningSocket& operator=(const ListeningSocket&) = delete;
    /// Removes the socket file if it still is this socket's.
    ~ListeningSocket();

    /// Lets connections in. Throws AddressUnavailable.
    void listen();
    const std::string& path() const { return path_; }
    /// Hands the descriptor over; the file stays this object's to remove.
    int release() { return socket_.release(); }

  private:
    std::string path_;
    platform::FileDescriptor lock_;
    platform::FileDescriptor socket_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

}  // namespace ticketd::net
