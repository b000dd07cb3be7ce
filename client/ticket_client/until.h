// What `watch --until` waits for, and whether it is so. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "client/failure.h"
#include "client/ticket_client/result_json.h"

namespace ticketd::client {

struct Until {
    enum class What : std::uint8_t { kForever, kSoldOut, kOpen, kLsn };
    What what = What::kForever;
    std::uint64_t lsn = 0;  ///< kLsn
};

/// Reads "sold-out", "open" or "lsn=N". The failure is `usage`.
Outcome<Until> read_until(const std::optional<std::string>& text);

/// True if these counts, or this change, are what was waited for.
bool is_reached(const Until& until, const Json& counts);

}  // namespace ticketd::client
