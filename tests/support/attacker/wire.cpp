#include "tests/support/attacker/wire.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace ticketd::attacker {

Descriptor connect_to(const std::string& path) {
    Descriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
    const void* generic = &address;
    const bool connected =
        socket.is_open() &&
        ::connect(socket.number(), static_cast<const sockaddr*>(generic), sizeof address) == 0;
    return connected ? std::move(socket) : Descriptor{};
}

std::ptrdiff_t send_some(const Descriptor& socket, std::string_view bytes) {
    const auto sent = ::send(socket.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) return sent;
    return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

bool discard_input(const Descriptor& socket) {
    std::array<char, 64 * 1024> bytes;  // NOLINT(*-member-init): filled by recv()
    for (;;) {
        const auto got = ::recv(socket.number(), bytes.data(), bytes.size(), 0);
        if (got == 0) return false;
        if (got < 0) return errno == EAGAIN || errno == EINTR;
    }
}

void say(const std::string& line) {
    const auto text = line + '\n';
    if (::write(STDOUT_FILENO, text.data(), text.size()) < 0) ::_exit(1);
}

std::vector<bool> wait_for_any(const std::vector<Descriptor>& sockets, short events,
                               int timeout_ms) {
    std::vector<pollfd> waits;
    waits.reserve(sockets.size());
    for (const auto& socket : sockets)
        waits.push_back({socket.is_open() ? socket.number() : -1, events, 0});
    std::vector<bool> ready(sockets.size());
    if (::poll(waits.data(), waits.size(), timeout_ms) <= 0) return ready;
    for (std::size_t i = 0; i < waits.size(); ++i)
        ready[i] = waits[i].revents != 0;
    return ready;
}

}  // namespace ticketd::attacker
