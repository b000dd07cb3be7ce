// The signals as this process found them when it was started, for the commands that it starts: what
// was ignored or blocked for whoever called it is so for them too, as flock(1) and timeout(1) pass
// it on. Not thread-safe.
#pragma once

namespace ticketd::client {

/// To be called first of all. Keeps how things are, and then makes them what this process needs:
/// SIGPIPE is ignored, SIGCHLD is not.
void take_signals_over();

/// In a child, before it becomes a command: all as it was found, but for SIGCHLD, which stays at
/// its default. What was ignored otherwise was never changed.
void give_signals_back();

}  // namespace ticketd::client
