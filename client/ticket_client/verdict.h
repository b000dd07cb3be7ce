// Whether a result is good news: what the client's exit code says of it, beside showing it.
// Thread-safe, no state; never throws on what a daemon sends.
#pragma once

#include <optional>
#include <string_view>

#include "client/failure.h"
#include "client/ticket_client/arguments.h"

namespace ticketd::client {

/// True if `result` is an object whose `ok` is true: the verdict of ledger.verify.
bool is_verified(std::string_view result);

/// Why the program does not end with 0 although it was answered, or nothing. A ledger that does not
/// verify: `ledger`, 74. A batch: that of the first request that failed by itself. With --exit-code, a
/// query of an event that is not open: 13; or that found nothing available: `sold_out` 10, or
/// `held_out` 11 if some are on hold; with no message, because it was asked for. And what else is
/// to be said beside the result, with 0: `next`, if rows in tsv are not all there are.
std::optional<Failure> verdict(const Arguments& arguments, std::string_view result);

}  // namespace ticketd::client
