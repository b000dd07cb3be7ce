// The checkpoint: the state of the ledger at one LSN, and where in the journal it goes on. Written
// aside, synced, renamed over the old one, directory synced, so there is always exactly one whole
// checkpoint. Layout: docs/store_format.md, "Checkpoint".
#pragma once

#include <string>

#include "server/platform/file.h"
#include "server/store/journal_format.h"
#include "server/store/ledger_state.h"

namespace ticketd::store {

inline constexpr const char* kCheckpointName = "checkpoint";

/// Whether the daemon wrote it as the last thing it did.
enum class Stop : std::uint8_t { kRunning = 0, kClean = 1 };

struct Checkpoint {
    StoreId store;
    JournalPosition position;  ///< `position.lsn` is the state's last LSN + 1
    Stop stop;
    LedgerState state;
};

/// Durable on return. Throws StoreUnavailable.
void write_checkpoint(platform::Directory& directory, const StoreId& store,
                      const JournalPosition& position, Stop stop, const LedgerState& state);

/// Throws StoreDamaged or StoreUnavailable.
Checkpoint read_checkpoint(platform::Directory& directory);

}  // namespace ticketd::store
