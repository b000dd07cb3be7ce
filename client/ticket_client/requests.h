// From the command line to the request that is sent: method, parameters, and what a second copy of
// it would do.
#pragma once

#include <string_view>

#include "client/call.h"
#include "client/failure.h"
#include "client/ticket_client/arguments.h"

namespace ticketd::client {

/// The request for `arguments`. A purchase without a key gets a new one. `call METHOD -` reads
/// stdin. Failures: `usage` 64, `input` 65. Words are checked here as far as sending them would
/// cost a round trip for nothing; the daemon checks them all again.
Outcome<Request> request_for(const Arguments& arguments);

/// For `run`: holds as many as were asked for, bound to this process.
Outcome<Request> hold_for_process(const Arguments& arguments, std::uint64_t pid);
/// For `run`: "confirm" or "release" of that hold.
Request settle_hold(std::string_view method, std::uint64_t order);

/// What a second copy of a call of `method` would do, by the contract's table of methods.
Nature nature_of(std::string_view method, std::string_view params);

/// `watch` of the events that are named, from behind this LSN on if there is one.
Outcome<Request> watch_request(const Arguments& arguments, std::optional<std::uint64_t> since);

}  // namespace ticketd::client
