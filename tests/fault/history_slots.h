// The rules of events that use their numbers again: the lowest that nobody has, from 1 to the
// capacity, and each with one order at a time. Pure.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/support/raw_ledger.h"

namespace ticketd::testing {

/// True if an event with these rules uses its numbers again.
bool has_slots(const RawEntry& rules);

using Slots = std::set<std::uint64_t>;

/// What is wrong with the numbers of an order that begins; `taken` are those that somebody has.
std::optional<std::string> problem_with_new_slots(const RawEntry& entry, const Slots& taken);

/// The same of a hold with these numbers that is confirmed.
std::optional<std::string> problem_with_kept_slots(const RawEntry& entry,
                                                   const std::vector<std::uint64_t>& held);

}  // namespace ticketd::testing
