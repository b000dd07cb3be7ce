// Who buys: a user of the machine, as the kernel says, or where an event takes them a name that the
// buyer claims. Whoever keeps the books turns both into a BuyerId, so that the rules need not know
// which it is. Plain values; thread-safe.
#pragma once

#include <compare>
#include <cstdint>

namespace ticketd::box_office {

/// Tells a buyer from every other one of the same books.
struct BuyerId {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    auto operator<=>(const BuyerId&) const = default;
};

}  // namespace ticketd::box_office
