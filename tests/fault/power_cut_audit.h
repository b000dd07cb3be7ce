// The ledger of a store that is cut off its power again and again, as a client that trusts nobody
// reads it: once, entry by entry, each checked against the one before and against what buyers were
// told. What is wrong is returned as lines; none means that nothing is.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/fault/power_cut_load.h"

namespace ticketd::testing {

using Problems = std::vector<std::string>;

class AuditedLedger {
  public:
    /// Reads the entries that were not there before. What was read earlier was durable, so the new
    /// ones must go on exactly where it ended.
    Problems read_on(Rpc& rpc);

    /// Takes the daemon's word for what is there now, so that it need not be read: `orders` more of
    /// them, without keys.
    void take_for_granted(Rpc& rpc, std::uint64_t orders);

    /// Holds what was told against what has been read.
    Problems check(const ToldHistory& history) const;
    /// Holds the daemon's counts, and its own audit, against what has been read.
    Problems check_counts(Rpc& rpc) const;

    std::uint64_t last_lsn() const { return last_lsn_; }
    bool has(const std::string& key) const { return sales_.contains(key); }

  private:
    struct Sale {
        std::string event;
        std::uint64_t order = 0;
        std::uint64_t first_serial = 0;
        std::uint64_t granted = 0;
    };
    struct Event {
        std::uint64_t capacity = 0;
        std::map<std::uint64_t, std::uint64_t> sold_at;  ///< by LSN
        std::uint64_t sold() const { return sold_at.empty() ? 0 : sold_at.rbegin()->second; }
    };

    void add(const Json& entry, Problems& problems);
    void add_sale(const Json& entry, Event& event, Problems& problems);
    std::string problem_with(const ToldSale& told) const;
    std::string problem_with(const ToldCounts& told) const;
    std::string problem_with_open(const Ask& ask) const;

    std::uint64_t last_lsn_ = 0;
    std::map<std::string, Event> events_;
    std::map<std::string, Sale> sales_;  ///< by key
    std::uint64_t orders_granted_ = 0;   ///< taken for granted
};

}  // namespace ticketd::testing
