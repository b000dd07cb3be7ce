// Copies bytes from file to file: inside the kernel where it can, so that file systems which share
// blocks between files do, and through memory elsewhere. Thread-safe, no state.
#pragma once

#include <cstdint>
#include <functional>

namespace ticketd::client {

enum class Copied : std::uint8_t {
    kAll,
    kSourceFailed,  ///< errno says why; 0: it is shorter than that
    kTargetFailed,  ///< errno says why
    kStopped,       ///< `go_on` said no
};

struct CopyResult {
    Copied copied = Copied::kAll;
    int error = 0;
};

/// Called now and then with how many more bytes were copied; false stops.
using GoOn = std::function<bool(std::uint64_t)>;

/// Copies the first `bytes` bytes of `source` to `target`, an empty file, and syncs it.
CopyResult copy_file(int source, int target, std::uint64_t bytes, const GoOn& go_on);

}  // namespace ticketd::client
