// Reads one segment of the journal into a state: every group verified, every entry held against
// the state before it. What recovery, the checkpointer and the offline check have in common.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "server/store/ledger_state.h"
#include "server/store/segment_reader.h"

namespace ticketd::store {

/// Called with each entry before it is applied.
using EntryVisitor = std::function<void(const Entry&)>;

struct ReplayedSegment {
    std::string problem;           ///< what broke the first group that is not whole, or ""
    std::uint64_t last_group = 0;  ///< offset of the last whole group; 0: there was none
    bool has_footer = false;       ///< behind the last group; then no problem
};

/// Applies the groups that `reader` finds to `state`, up to the first that is not whole. Throws
/// StoreDamaged if a whole group contradicts the state, StoreUnavailable on a read error.
ReplayedSegment replay_segment(SegmentReader& reader, const std::string& name, LedgerState& state,
                               const EntryVisitor& visit = {});

/// A segment that exists, opened for reading. Throws StoreDamaged if it is missing.
std::unique_ptr<platform::File> open_left_segment(platform::Directory& directory,
                                                  std::uint64_t number);

}  // namespace ticketd::store
