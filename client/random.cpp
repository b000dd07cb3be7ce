#include "client/random.h"

#include <sys/random.h>

#include <cstdlib>

namespace ticketd::client {

std::array<std::uint8_t, 8> random_bytes() {
    std::array<std::uint8_t, 8> bytes{};
    // Up to 256 bytes come whole and uninterrupted once the pool is up (getrandom(2)); before that,
    // at boot, a signal can interrupt the wait for it.
    for (int attempt = 0; attempt < 100; ++attempt) {
        const auto got = ::getrandom(bytes.data(), bytes.size(), 0);
        if (got == static_cast<ssize_t>(bytes.size())) return bytes;
    }
    std::abort();
}

}  // namespace ticketd::client
