// Fills a journal quickly: many connections sell in batches, with the longest memo there is.
#pragma once

#include <cstdint>
#include <string>

namespace ticketd::testing {

/// Sells single tickets of `event`, without keys, until the journal has grown by about `bytes`. How
/// many were sold. Throws if one is not.
std::uint64_t fill_journal(const std::string& socket, const std::string& event, std::size_t bytes);

}  // namespace ticketd::testing
