// The checkpoint: every event with its counts, every live hold and what each buyer has, at one LSN,
// where in the journal that is, and which key runs belong to it. Recovery starts from it. Layout:
// docs/store_format.md, "Checkpoint".
#pragma once

#include <string>
#include <vector>

#include "server/platform/file.h"
#include "server/store/journal_format.h"
#include "server/store/ledger_state.h"

namespace ticketd::store {

inline constexpr const char* kCheckpointName = "checkpoint";

/// Whether the daemon wrote it as the last thing it did.
enum class Stop : std::uint8_t { kRunning = 0, kClean = 1 };

struct Checkpoint {
    StoreId store{};
    /// The end of a segment (of none, number 0, in a new store); `position.lsn` is the LSN of the
    /// first entry behind it. Unless the stop was clean, the next segment was begun before.
    JournalPosition position;
    Stop stop = Stop::kRunning;
    std::int64_t last_time_ms = 0;
    /// Keys of entries before the floor are past their retention; those of the others are in the
    /// key runs of the segments from `first_key_run` to `position.segment`.
    std::uint64_t first_key_run = 1;
    KeyFloor key_floor;
    std::vector<Event> events;
    Holds holds;
    BuyerCounts buyers;
};

/// Durable on success; on an error there is the old checkpoint or the new one.
[[nodiscard]] std::error_code write_checkpoint(platform::Directory& directory,
                                               const Checkpoint& checkpoint);

/// Throws StoreDamaged or StoreUnavailable.
Checkpoint read_checkpoint(platform::Directory& directory);

}  // namespace ticketd::store
