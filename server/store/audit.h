// The independent check of a ledger: reads every entry from the first, recomputes every total from
// nothing, and holds each entry against all guarantees that an entry can break. Used by the daemon
// for `ledger.verify` and offline by `ticketd --verify`. Read-only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/platform/file.h"
#include "server/store/checkpoint.h"
#include "server/store/journal_scan.h"
#include "server/store/ledger_state.h"

namespace ticketd::store {

struct AuditReport {
    Lsn lsn = 0;  ///< of the last entry
    std::uint64_t events = 0;
    std::uint64_t orders = 0;
    std::uint64_t keys = 0;  ///< within their retention
    // Sums over all events.
    std::uint64_t capacity = 0;
    std::uint64_t available = 0;
    std::uint64_t held = 0;
    std::uint64_t sold = 0;
    std::uint64_t overcommit = 0;
    std::vector<std::string> problems;  ///< empty: every guarantee holds
    std::vector<std::string> notices;   ///< remarks that break none

    bool ok() const { return problems.empty(); }
};

class Audit {
  public:
    /// Keys of entries before the floor may have been used again since.
    /// `read_entry` gives an entry that was added before, by its LSN: what an order was before it
    /// was cancelled.
    using ReadEntry = std::function<Entry(Lsn)>;
    Audit(const StoreId& store, const KeyFloor& key_floor, ReadEntry read_entry)
        : state_(store, key_floor), read_entry_(std::move(read_entry)) {}

    /// Takes the next entry; false (with the problem noted) if it cannot be the next one. Nothing
    /// behind such an entry can be judged.
    bool add(const Entry& entry);

    /// Holds the totals against counts that were arrived at another way, both at the same LSN.
    void compare(const std::vector<Event>& events, const std::string& whose);
    /// The same of the holds that live, and of what each buyer has.
    void compare_holds(const Holds& holds, const std::string& whose);
    void compare_buyers(const BuyerCounts& buyers, const std::string& whose);
    /// Holds what became of orders so far against the order runs of a checkpoint at this LSN.
    void compare_orders(platform::Directory& directory, const Checkpoint& checkpoint);
    /// Holds the keys so far against the runs that a checkpoint at this LSN counts.
    void compare_keys(platform::Directory& directory, const Checkpoint& checkpoint,
                      const Progress& progress = {});

    AuditReport report() &&;

  private:
    std::optional<std::string> problem_with(const Entry& entry) const;

    LedgerState state_;
    ReadEntry read_entry_;
    std::uint64_t orders_ = 0;
    std::vector<std::uint64_t> sold_by_orders_;  // by event
    std::map<Lsn, Lsn> newest_;                  // entry of each order that changed
    std::vector<std::string> problems_;
};

/// Audits a store, best at rest; of one that a daemon owns, what was there when it began: every
/// segment from the first, and the checkpoint and its runs against them. Throws StoreDamaged or
/// StoreUnavailable.
AuditReport audit_store(platform::Directory& directory, const Progress& progress = {});

}  // namespace ticketd::store
