// Who made each entry of the ledger: the op that was told so, or one of those that were told
// nothing. Finds entries that nobody asked for, those made twice, and keys that were told two
// things. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "tests/fault/history_judge.h"

namespace ticketd::testing {

/// True if they would be answered alike with the same key.
bool is_same_request(const Op& a, const Op& b);

struct Maker {
    std::optional<std::size_t> told;   ///< the op that was told that it made the entry
    std::vector<std::size_t> perhaps;  ///< else: ops with its key or name that were told nothing
};

/// Makers of all entries, by LSN - 1. An entry without any was made by an op that nothing in it
/// identifies, if by any; see unnamed_makers().
std::vector<Maker> find_makers(const History& history, const Model& model,
                               const std::vector<RawEntry>& entries,
                               const std::vector<Place>& places,
                               std::vector<std::string>& problems);

/// The entries that are left have to be those of unanswered requests without a key, each of another
/// one. `floors` says, for each op, the LSN that was there for certain when it was invoked.
void unnamed_makers(const History& history, const Model& model,
                    const std::vector<RawEntry>& entries, const std::vector<Maker>& makers,
                    const std::vector<std::uint64_t>& floors, std::vector<std::string>& problems);

/// A key that was told no is not sold to by the same daemon and is told the same again; a mismatch
/// has another request to mismatch with.
void check_keys(const History& history, const Model& model, const std::vector<Place>& places,
                std::vector<std::string>& problems);

}  // namespace ticketd::testing
