// Owns one file descriptor and closes it. Not thread-safe.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace ticketd::client {

class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int fd) : fd_(above_standard_streams(fd)) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }

    int number() const { return fd_; }
    bool is_open() const { return fd_ >= 0; }

  private:
    // A caller that starts us with stdout closed must not find a result written to our socket.
    static int above_standard_streams(int fd) {
        if (fd < 0 || fd > STDERR_FILENO) return fd;
        const int moved = ::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        ::close(fd);
        return moved;
    }

    int fd_ = -1;
};

}  // namespace ticketd::client
