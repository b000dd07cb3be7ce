// Histories as text: one line of JSON per op, written before it is sent and once more when it has
// ended, so that a client that is killed leaves what it had begun. Also what is kept of a history
// that failed its check.
#pragma once

#include <string>

#include "tests/fault/history.h"

namespace ticketd::testing {

/// One line, without LF.
std::string line_of(const Op& op);

/// The ops in such lines; of an op with several lines the last counts. A last line without LF is
/// left out. Throws if it is not such text.
std::vector<Op> ops_in(const std::string& text);

}  // namespace ticketd::testing
