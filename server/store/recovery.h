// Brings a store back after any stop, or makes a new one. It trusts the checkpoint and the journal,
// never the stock file, and nothing that is only in the page cache: what it read it writes anew (a
// fresh checkpoint, a fresh segment) and syncs before anybody is answered.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/platform/file.h"
#include "server/store/checkpoint.h"
#include "server/store/journal_writer.h"

namespace ticketd::store {

struct Recovered {
    StoreId store{};
    LedgerState state;
    JournalPosition position;  ///< in the fresh segment
    BegunSegment segment;
    std::vector<std::string> notices;  ///< what the operator should know, a line each
};

/// Precondition: the caller owns the store (OwnerLock). Throws StoreDamaged, having changed
/// nothing, or StoreUnavailable.
Recovered recover(platform::Directory& directory, std::uint64_t segment_bytes);

/// What read_journal() found behind the last good group of the last segment.
struct TornTail {
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;  ///< up to the last byte that is not zero; 0: no tail
};

/// Applies every group from `position` on to `state` and moves `position` to the end. Read-only.
/// `visit`, if set, is called with each entry before it is applied. Throws StoreDamaged if the
/// journal is not whole, or StoreUnavailable.
TornTail read_journal(platform::Directory& directory, const StoreId& store,
                      JournalPosition& position, LedgerState& state,
                      const std::function<void(const Entry&)>& visit = {});

/// Held for the life of the process that owns the store: a write lock on the file `owner.lock`.
class OwnerLock {
  public:
    /// Throws StoreInUse if another process has it.
    explicit OwnerLock(platform::Directory& directory);

  private:
    std::unique_ptr<platform::File> file_;
};

}  // namespace ticketd::store
