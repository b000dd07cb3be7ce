// `ticket-client run CMD`: holds tickets for as long as a command runs.
#pragma once

#include "client/call.h"
#include "client/ticket_client/arguments.h"
#include "client/ticket_client/interrupts.h"

namespace ticketd::client {

/// The exit code: the command's; 125 to 127, after a line on stderr, if it did not come to that; 128
/// and the signal that ended the wait; 75 if it is not known whether the tickets are bought.
int run_command(const Arguments& arguments, const CallOptions& options,
                const Interrupts& interrupts);

}  // namespace ticketd::client
