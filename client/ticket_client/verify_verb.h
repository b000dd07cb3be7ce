// `ticket-client ledger verify`: the daemon reads its whole ledger, which may take minutes. Waits
// for it, and shows how far it has come.
#pragma once

#include <string>

#include "client/call.h"
#include "client/failure.h"
#include "client/ticket_client/arguments.h"

namespace ticketd::client {

/// Sends `request` (ledger.verify) once. The text of its result, or a failure as call() has them.
/// Without --timeout it waits until the daemon answers or goes away.
Outcome<std::string> verify(const Arguments& arguments, const Request& request,
                            const CallOptions& options);

}  // namespace ticketd::client
