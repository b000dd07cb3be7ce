// Results as people read them. What the daemon sends is shown by its own names, so that a new
// counter needs no new code here; only a purchase gets a sentence. Scripts have
// output.h. Thread-safe, no state; never throws on what a daemon sends.
#pragma once

#include <string>
#include <string_view>

#include "client/ticket_client/verbs.h"

namespace ticketd::client {

/// `result` (the text of a JSON value) in words, ended by LF.
std::string result_text(Verb verb, std::string_view result);

}  // namespace ticketd::client
