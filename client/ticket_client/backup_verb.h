// `ticket-client ledger backup DIR`: asks, copies (client/backup/), and says what it made.
#pragma once

#include <string>

#include "client/call.h"
#include "client/failure.h"
#include "client/ticket_client/arguments.h"

namespace ticketd::client {

/// Copies the store of the daemon that `request` (ledger.position) reaches. The result is an object
/// in JSON: directory, lsn, files, bytes. Progress goes to stderr, unless it should be quiet.
Outcome<std::string> back_up(const Arguments& arguments, const Request& request,
                             const CallOptions& options);

}  // namespace ticketd::client
