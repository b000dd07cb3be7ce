// `ticket-client ledger export` and `ticket-client report`: the whole ledger as lines, and what it
// adds up to. Not thread-safe.
#pragma once

#include "client/call.h"
#include "client/ticket_client/arguments.h"

namespace ticketd::client {

/// Both write to stdout and return what did not work.
std::optional<Failure> export_ledger(const Arguments& arguments, const CallOptions& options);

/// The rows of a report as a JSON text, for output.h.
Outcome<std::string> report_on_ledger(const Arguments& arguments, const CallOptions& options);

}  // namespace ticketd::client
