// CRC-32C (Castagnoli polynomial 0x1EDC6F41, reflected, as in RFC 3720 appendix B.4): finds
// accidents, not attackers. Hardware instruction where the processor has it.
#pragma once

#include <cstdint>
#include <string_view>

namespace ticketd::store {

/// The checksum of what gave `seed`, followed by `bytes`. Seed 0 starts afresh.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed = 0);

}  // namespace ticketd::store
