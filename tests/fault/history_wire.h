// Ops as requests on the wire, and answers as what an op was told.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tests/fault/history.h"

namespace ticketd::testing {

/// One op as an object; several as an array, or as one atomic batch if they are of one. The ids are
/// the numbers of the ops, of an atomic batch that of the first.
std::string request_text(const std::vector<const Op*>& ops);

/// Takes the answer to that request. Throws if it is none.
void take_answer(const std::vector<Op*>& ops, const nlohmann::json& message);

}  // namespace ticketd::testing
