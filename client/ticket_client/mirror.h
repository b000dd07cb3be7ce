// A file that says how many tickets of an event are available, for programs that read the count as
// the tutorial's do: {"count": N}. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "client/failure.h"

namespace ticketd::client {

/// Replaces the file by rename, so that whoever opens it reads a whole one; it is not synced, the
/// daemon's ledger is what counts. Its mode stays, and its owner as far as that is allowed. A link
/// is not followed: that, and anything else than a regular file, is refused and left as it is. The
/// failure is `output`, exit 74.
std::optional<Failure> write_mirror(const std::string& path, std::uint64_t count);

}  // namespace ticketd::client
