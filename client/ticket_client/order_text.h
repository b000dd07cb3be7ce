// What became of one order, as a sentence. Thread-safe, no state; never throws on what a daemon
// sends.
#pragma once

#include <optional>
#include <string>

#include "client/ticket_client/result_json.h"

namespace ticketd::client {

/// "order 5: 2 of 3 tickets of demo, serials 1-2, 0 left", or "order 5: released, 3 of demo left",
/// ended by LF; nothing if it does not look like one.
std::optional<std::string> about_order(const Json& result);

}  // namespace ticketd::client
