// A consistent copy of a store, as it was at one LSN, while its daemon sells on. The daemon does
// not write it: confined, it reaches no directory but its own. It only tells how far its journal is
// durable; whoever may read its data directory copies the rest (the algorithm: backup.cpp).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "client/failure.h"

namespace ticketd::client {

/// The result of `ledger.position`.
struct StorePosition {
    std::string data_dir;
    std::string store_id;  ///< 16 bytes
    std::uint64_t segment = 0;
    std::uint64_t offset = 0;
    std::uint64_t lsn = 0;
    std::uint64_t verified_lsn = 0;  ///< how far a ledger.verify that runs has come, or 0
};
/// Reads the text of that result; the failure is `protocol`, exit 76.
Outcome<StorePosition> read_position(std::string_view result);

struct BackupPlan {
    std::string directory;  ///< must be empty or not exist
    /// Asks the daemon, twice: before and after what is copied first.
    std::function<Outcome<StorePosition>()> ask_position;
    /// Told how many bytes of how many were copied; false stops the backup.
    std::function<bool(std::uint64_t done, std::uint64_t total)> go_on;
};

struct BackupResult {
    std::uint64_t lsn = 0;  ///< the last that the copy has
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;
};

/// On success the copy is durable. Otherwise what was written is removed, or the failure says that
/// it was not: those of ask_position, `storage` 74, `input` 65 (the directory), `interrupted` 130.
Outcome<BackupResult> back_up(const BackupPlan& plan);

}  // namespace ticketd::client
