// `ticket-client watch`: tells of changes until what is waited for is so. Not thread-safe.
#pragma once

#include "client/call.h"
#include "client/ticket_client/arguments.h"
#include "client/ticket_client/interrupts.h"

namespace ticketd::client {

/// Returns the exit code; what there was to say was said.
int watch_changes(const Arguments& arguments, const CallOptions& options,
                  const Interrupts& interrupts);

}  // namespace ticketd::client
