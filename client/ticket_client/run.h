// ticket-client from its arguments to its exit code; main() without the process.
#pragma once

namespace ticketd::client {

/// Reads the arguments, does what they say, writes to stdout and stderr, returns the exit code.
int run(int argc, char* const* argv);

}  // namespace ticketd::client
