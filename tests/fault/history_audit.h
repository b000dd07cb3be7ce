// The last word on a daemon that was tormented: what its clients were told against its store, read
// raw from disk. What is wrong is reported through doctest; with TICKETD_EVIDENCE=DIRECTORY in the
// environment the history and a copy of the store are kept there.
#pragma once

#include "tests/fault/history.h"
#include "tests/support/daemon.h"
#include "tests/support/raw_ledger.h"

namespace ticketd::testing {

/// Stops the daemon, which has to work, reads its store and checks `history` against it: entries,
/// answers, slots, and `ticketd --verify` has to agree. The store as it was read.
RawStore audit(Daemon& daemon, const History& history);

}  // namespace ticketd::testing
