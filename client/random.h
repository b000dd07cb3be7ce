// Random bytes from the kernel.
#pragma once

#include <array>
#include <cstdint>

namespace ticketd::client {

/// Eight bytes of getrandom(2). Ends the process if the kernel has none to give (it never says so
/// on a running Linux system): a guessable key would be worse.
std::array<std::uint8_t, 8> random_bytes();

}  // namespace ticketd::client
