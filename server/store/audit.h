// The independent check of a ledger: reads every entry from the first, recomputes every total from
// nothing, and holds each entry against all guarantees that an entry can break. Used by the daemon
// for `ledger.verify` and offline by `ticketd --verify`. Read-only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/platform/file.h"
#include "server/store/ledger_state.h"

namespace ticketd::store {

struct AuditReport {
    Lsn lsn = 0;  ///< of the last entry
    std::uint64_t events = 0;
    std::uint64_t orders = 0;
    std::uint64_t keys = 0;
    // Sums over all events.
    std::uint64_t capacity = 0;
    std::uint64_t available = 0;
    std::uint64_t held = 0;
    std::uint64_t sold = 0;
    std::vector<std::string> problems;  ///< empty: every guarantee holds
    std::vector<std::string> notices;   ///< remarks that break none

    bool ok() const { return problems.empty(); }
};

class Audit {
  public:
    explicit Audit(const StoreId& store) : state_(store) {}

    /// Takes the next entry; false (with the problem noted) if it cannot be the next one. Nothing
    /// behind such an entry can be judged.
    bool add(const Entry& entry);

    /// Holds the totals against counts that were arrived at another way, both at the same LSN.
    void compare(const std::vector<Event>& events, const std::string& whose);

    AuditReport report() &&;

  private:
    LedgerState state_;
    std::uint64_t orders_ = 0;
    std::vector<std::uint64_t> sold_by_orders_;  // by event
    std::vector<std::string> problems_;
};

/// Audits a store at rest: every segment from the first, and the checkpoint against them.
AuditReport audit_store(platform::Directory& directory);

}  // namespace ticketd::store
