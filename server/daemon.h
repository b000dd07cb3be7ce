// ticketd at work: opens the store, takes its address, serves until it is told to stop.
#pragma once

#include "server/options.h"

namespace ticketd {

/// Returns the exit code of the process. A disk that fails ends the process from within.
int serve(const Options& options);

}  // namespace ticketd
