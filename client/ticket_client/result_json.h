// A result as a JSON value, with its members in the order of the daemon, and the list within it:
// what the formats of text.h and output.h share. Thread-safe, no state; never throws.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ticketd::client {

using Json = nlohmann::ordered_json;

/// Nothing if it is no JSON, or so deep or wide that no daemon of ours sent it.
std::optional<Json> read_result(std::string_view result);

/// True if `value` is a list of objects, at least one.
bool is_table(const Json& value);

/// Every member that any row of the table has, in the order in which they first appear; nothing if
/// they are too many to be columns.
std::optional<std::vector<std::string>> columns(const Json& table);

}  // namespace ticketd::client
