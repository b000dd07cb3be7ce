// Histories as text: one line of JSON for the ops that are sent together, written before they are
// and once more when they have ended, so that a client that is killed leaves what it had begun, and
// of a batch all the answers or none. Also what is kept of a history that failed its check.
#pragma once

#include <string>

#include "tests/fault/history.h"

namespace ticketd::testing {

/// One line, without LF.
std::string line_of(const std::vector<Op>& ops);

/// The ops in such lines; of an op in several lines the last counts. A last line without LF is left
/// out. Throws if it is not such text.
std::vector<Op> ops_in(const std::string& text);

}  // namespace ticketd::testing
