// How many tickets of an event each buyer has, held or sold. Memory only. Not thread-safe.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <utility>

#include "common/check.h"
#include "server/box_office/buyer.h"
#include "server/box_office/stock.h"

namespace ticketd::store {

class BuyerCounts {
  public:
    struct Of {
        EventId event = 0;
        box_office::BuyerId buyer;

        auto operator<=>(const Of&) const = default;
    };

    std::uint64_t tickets(const Of& of) const {
        const auto found = counts_.find(of);
        return found == counts_.end() ? 0 : found->second;
    }
    /// Precondition: with fewer, the buyer has so many.
    void add(const Of& of, std::int64_t more) {
        auto& count = counts_[of];
        TICKETD_CHECK(more >= 0 || count >= static_cast<std::uint64_t>(-more));
        count += static_cast<std::uint64_t>(more);
        if (count == 0) counts_.erase(of);
    }

    /// Buyers with tickets; once for each event.
    std::size_t size() const { return counts_.size(); }
    auto begin() const { return counts_.begin(); }
    auto end() const { return counts_.end(); }
    bool operator==(const BuyerCounts&) const = default;

  private:
    struct Hash {  // of what is a keyed hash already
        std::size_t operator()(const Of& of) const { return of.buyer.low + of.event; }
    };

    std::unordered_map<Of, std::uint64_t, Hash> counts_;  // none of them 0
};

}  // namespace ticketd::store
