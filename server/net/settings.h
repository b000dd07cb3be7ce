// What the configuration may change of how connections are served; defaults and reasons are in
// common/limits.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "common/limits.h"

namespace ticketd::net {

using std::chrono::milliseconds;

struct Settings {
    std::string socket_path;
    std::string data_dir;  ///< where the store is, absolute; told to operators
    unsigned socket_mode = 0660;
    milliseconds lock_timeout{limits::kLockTimeoutMs};

    std::size_t message_bytes = limits::kMessageBytes;
    std::size_t batch_requests = limits::kBatchRequests;
    std::size_t connections = limits::kConnections;
    std::size_t connections_per_uid = limits::kConnectionsPerUid;
    std::size_t watched_processes = limits::kWatchedProcesses;
    std::size_t in_flight = limits::kInFlight;
    std::size_t output_bytes = limits::kOutputBytes;
    milliseconds first_byte_timeout{limits::kFirstByteMs};
    milliseconds message_timeout{limits::kMessageMs};
    milliseconds idle_timeout{limits::kIdleMs};
};

}  // namespace ticketd::net
