// Atomic batches: all of their requests are done, next to each other in the ledger, or none is.
// Pure. Precondition: the keys of a batch are used in that batch alone, as often as it is sent.
#pragma once

#include <string>
#include <vector>

#include "tests/fault/history_judge.h"

namespace ticketd::testing {

void check_batches(const History& history, const Model& model, std::vector<std::string>& problems);

}  // namespace ticketd::testing
