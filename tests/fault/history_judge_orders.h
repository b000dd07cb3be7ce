// The part of history_judge.h about orders: what makes one, changes one or looks one up. Pure.
#pragma once

#include "tests/fault/history_judge.h"

namespace ticketd::testing {

/// The answer to what made an order, or changed one.
Judgement judge_change(const Op& op, const Model& model);

/// An order that was looked up by its key.
Judgement judge_order(const Op& op, const Model& model);

/// A key that was to be abandoned.
Judgement judge_abandon(const Op& op, const Model& model);

/// Why an order could not be changed; nothing if that is no such refusal.
std::optional<Judgement> judge_refused_change(const Op& op, const Model& model);

/// True if `entry` is what this op about an order asks for. Precondition: it is of the same user,
/// with the same key.
bool is_asked_order(const Op& op, const RawEntry& entry, const Model& model);

}  // namespace ticketd::testing
