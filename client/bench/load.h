// A load run: one thread and one epoll over many connections, each of which always has the same
// number of requests in flight until the run is over (a closed loop: a slow daemon is asked less,
// so latencies show its own queue and not a growing one).
#pragma once

#include <chrono>

#include "client/bench/histogram.h"
#include "client/bench/options.h"
#include "client/bench/replies.h"
#include "client/failure.h"

namespace ticketd::client {

struct LoadResult {
    ReplyCounts counts;
    Histogram latencies;
    std::chrono::nanoseconds elapsed{};  ///< from the first request to the last answer
};

/// Runs to the end. Failures: `unreachable` or `lost` 69, `no_answer` 75 after 30 s of silence,
/// `protocol` 76, `denied` 77.
Outcome<LoadResult> run_load(const BenchOptions& options);

}  // namespace ticketd::client
