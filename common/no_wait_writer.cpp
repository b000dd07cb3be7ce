#include "common/no_wait_writer.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

namespace ticketd {

NoWaitWriter::NoWaitWriter(int descriptor) : descriptor_(descriptor) {
    struct stat info{};
    if (::fstat(descriptor, &info) != 0) return;
    is_terminal_ = S_ISCHR(info.st_mode) && ::isatty(descriptor) == 1;
    is_socket_ = S_ISSOCK(info.st_mode);
    // Not files: a second opening would write to their start.
    if (!is_terminal_ && !S_ISFIFO(info.st_mode)) return;
    const auto path = "/proc/self/fd/" + std::to_string(descriptor);
    own_ = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

NoWaitWriter::~NoWaitWriter() {
    if (own_ >= 0) ::close(own_);
}

void NoWaitWriter::write(std::string_view text) const {
    if (is_socket_) {
        static_cast<void>(
            ::send(descriptor_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
        return;
    }
    // Somebody else's terminal cannot be opened again; that it can be written now must do.
    pollfd state{own_ >= 0 ? own_ : descriptor_, POLLOUT, 0};
    // POLLERR: nobody can ever read it, and writing would be a SIGPIPE.
    if (::poll(&state, 1, 0) != 1 || (state.revents & (POLLOUT | POLLERR)) != POLLOUT) return;
    static_cast<void>(!::write(state.fd, text.data(), text.size()));
}

std::size_t NoWaitWriter::columns() const {
    winsize size{};
    const bool is_known = ::ioctl(descriptor_, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return is_known ? size.ws_col : 80;
}

}  // namespace ticketd
