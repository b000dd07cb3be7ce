// What can travel beside the bytes on a Unix socket: descriptors and credentials (unix(7)).
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstring>
#include <string_view>

namespace ticketd::testing {

/// Sends bytes with something of `type` (SCM_...) beside them; false if the kernel did not take it.
inline bool send_with(int socket, std::string_view bytes, int type, const void* data,
                      std::size_t size) {
    alignas(cmsghdr) std::array<char, 2048> control{};
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(size);
    auto* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(size);
    std::memcpy(CMSG_DATA(header), data, size);
    return ::sendmsg(socket, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

}  // namespace ticketd::testing
