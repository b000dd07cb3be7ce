// The history check: everything that clients were told, against the journal as it lies on disk and
// against real time. Sound (what it rejects cannot have happened in a correct daemon) and, because
// every answer names its LSN, linear. A pure function of a history and entries.
//
//   1. model     the entries follow the rules of the box office              history_model.h
//   2. judge     each answer is what the model says at the LSN it names      history_judge.h
//   3. makers    each entry has one op that made it; those without an answer
//                made one or none; a key is told one thing                   history_makers.h
//   4. order     what ended before something began comes before it           history_order.h
//   5. batches   atomic ones are whole or absent                             history_batches.h
//   6. line      who waits is not passed, and gives up no sooner than asked  history_line.h
#pragma once

#include <string>
#include <vector>

#include "tests/fault/history.h"
#include "tests/support/raw_ledger.h"

namespace ticketd::testing {

/// What is wrong; empty: nothing.
std::vector<std::string> check_history(const History& history,
                                       const std::vector<RawEntry>& entries);

/// The slots of the stock file against the end of the journal.
std::vector<std::string> check_slots(const std::vector<RawEntry>& entries,
                                     const std::vector<RawSlot>& slots);

}  // namespace ticketd::testing
