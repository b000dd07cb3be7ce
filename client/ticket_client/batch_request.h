// The request of `ticket-client batch`: what a file holds, made into one call. Thread-safe.
#pragma once

#include "client/call.h"
#include "client/ticket_client/arguments.h"

namespace ticketd::client {

/// Reads the file that is named, or stdin. Failures: `input`, exit 65.
Outcome<Request> batch_request(const Arguments& arguments);

}  // namespace ticketd::client
