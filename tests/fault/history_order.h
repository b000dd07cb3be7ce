// The order of the ledger against real time: if one op ended before another was invoked, the ledger
// has them in that order. One sweep through all moments. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/fault/history_makers.h"

namespace ticketd::testing {

/// For each op the floor when it was invoked: the highest LSN that certainly was there by then.
std::vector<std::uint64_t> check_order(const History& history, const std::vector<Place>& places,
                                       const std::vector<Maker>& makers,
                                       std::vector<std::string>& problems);

}  // namespace ticketd::testing
