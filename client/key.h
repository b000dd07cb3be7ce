// Idempotency keys: UUIDs of version 7 (RFC 9562, 5.7), so that keys sort by the time they were
// made and never meet. Thread-safe, no state.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

namespace ticketd::client {

/// A key for one new purchase, from the wall clock and the kernel's random numbers.
std::string new_key();

/// The text of the key for this time and these random bytes; what new_key() is made of. The 12 bits
/// after the milliseconds hold their fraction (RFC 9562, 6.2, method 3), so that keys made one
/// after the other sort so even within a millisecond.
std::string key_text(std::chrono::system_clock::time_point time,
                     const std::array<std::uint8_t, 8>& random);

}  // namespace ticketd::client
