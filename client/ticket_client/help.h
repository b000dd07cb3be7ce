// The help texts, written from the table of verbs. Thread-safe, no state.
#pragma once

#include <string>

#include "client/ticket_client/verbs.h"

namespace ticketd::client {

/// The help of `verb`, or of a group of verbs, or the general help if it is null.
std::string help_text(const VerbInfo* verb);

}  // namespace ticketd::client
