// Fills a journal quickly: many connections sell in batches, with the longest memo there is.
#pragma once

#include <cstdint>
#include <string>

namespace ticketd::testing {

/// Sells single tickets of `event`, without keys, until the journal has grown by about `bytes`. How
/// many were sold. Throws if one is not.
std::uint64_t fill_journal(const std::string& socket, const std::string& event, std::size_t bytes);

/// The same until exactly `room` bytes, whole blocks, of the segment that is being written are
/// left. With one block, for the footer, the next sale calls for the next segment.
std::uint64_t fill_segment(const std::string& socket, const std::string& event, std::uint64_t room);

}  // namespace ticketd::testing
