// The outcome of a load run, for people and for scripts. Thread-safe, no state.
#pragma once

#include <string>

#include "client/bench/load.h"
#include "client/bench/options.h"

namespace ticketd::client {

/// A few lines of text, or one line with a JSON object if the options want that.
std::string report_text(const BenchOptions& options, const LoadResult& result);

}  // namespace ticketd::client
