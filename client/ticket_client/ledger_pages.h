// Goes through the whole ledger, page after page, for verbs that need all of it. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "client/call.h"
#include "client/ticket_client/result_json.h"

namespace ticketd::client {

/// Calls `take` with each entry from this LSN on, as `ledger.read` shows it, until it fails or
/// there is none left that was there when it began.
std::optional<Failure> for_each_entry(
    std::uint64_t from, const CallOptions& options,
    const std::function<std::optional<Failure>(const Json&)>& take);

}  // namespace ticketd::client
