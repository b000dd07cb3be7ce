// Brings a store back after any stop, or makes a new one. It trusts the checkpoint, its runs of
// keys and orders, and the journal, never the stock file, and nothing that may be only in the page
// cache: the last group that it reads is written once more and synced before anybody is answered.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "server/platform/file.h"
#include "server/store/checkpoint.h"
#include "server/store/checkpointer.h"
#include "server/store/journal_scan.h"
#include "server/store/journal_writer.h"

namespace ticketd::store {

struct Recovered {
    LedgerState state;
    JournalPosition position;  ///< in the fresh segment
    BegunSegment segment;
    Checkpoint base;                   ///< the checkpoint on disk
    std::deque<KeyRunSummary> runs;    ///< that belong to it
    OrderRuns order_runs;              ///< likewise
    std::vector<OrderItem> changes;    ///< of orders, behind the checkpoint, in order of LSN
    std::vector<std::string> notices;  ///< what the operator should know, a line each
};

/// Precondition: the caller owns the store (OwnerLock). Throws StoreDamaged, having changed
/// nothing, or StoreUnavailable.
Recovered recover(platform::Directory& directory, std::uint64_t segment_bytes,
                  const Progress& progress = {});

}  // namespace ticketd::store
