// Reads the journal as a whole: which segments there are, whether they follow each other, where it
// ends and what is behind the end. Read-only: recovery acts on it, the offline check reports it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "server/platform/file.h"
#include "server/store/replay.h"

namespace ticketd::store {

/// Told now and then how far a long reading has come: what is read, how much, of how much.
using Progress =
    std::function<void(const std::string& what, std::uint64_t done, std::uint64_t total)>;

/// Names of all files. Throws StoreUnavailable.
std::vector<std::string> list_files(platform::Directory& directory);

/// How many segments there are. Throws StoreDamaged if one is missing.
std::uint64_t count_segments(platform::Directory& directory);
/// The same; also throws StoreDamaged if there are not so many.
std::uint64_t require_segments(platform::Directory& directory, std::uint64_t at_least);

/// What read_journal() found at the end of the last segment.
struct JournalEnd {
    std::uint64_t last_group = 0;  ///< offset of its last whole group that was read; 0: none
    std::uint64_t torn_bytes = 0;  ///< behind that, up to the last byte that is not zero
    /// Where the last segment but one ends, if the last one is empty: its footer may be missing, or
    /// may be only in the page cache. The first group of a segment proves the footer before it.
    std::optional<JournalPosition> unproven_footer;
};

/// Whether somebody else goes on writing meanwhile. What they begin after the segments were counted
/// is not read then, and behind the last whole group is what they are just writing.
enum class Reading : std::uint8_t { kAtRest, kInUse };

/// Applies every group from `position` on to `state` and moves `position` to the end. Throws
/// StoreDamaged if the journal is not whole, or StoreUnavailable.
JournalEnd read_journal(platform::Directory& directory, const StoreId& store,
                        JournalPosition& position, LedgerState& state,
                        const EntryVisitor& visit = {}, const Progress& progress = {},
                        Reading reading = Reading::kAtRest);

/// Looks at the segments that a checkpoint at `end` has left behind: every header has to be where
/// its number and the headers around it say, and the newest segments, up to so many bytes, are read
/// whole. Throws as above.
void check_left_segments(platform::Directory& directory, const StoreId& store,
                         const JournalPosition& end, std::uint64_t read_bytes,
                         const Progress& progress = {});

}  // namespace ticketd::store
