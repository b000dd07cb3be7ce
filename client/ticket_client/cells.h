// Single values of a result as people read them, in their language. Thread-safe, no state; never
// throws on what a daemon sends.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "client/ticket_client/result_json.h"

namespace ticketd::client {

/// The member with this name, if it is a whole number.
std::optional<std::uint64_t> number_in(const Json& object, const char* name);

/// True if the member with this name is this word.
bool has_word(const Json& object, const char* name, std::string_view word);

/// Any value, on one line: a list of numbers as 1-3, 7, nothing as -.
std::string cell(const Json& value);

/// A word of the daemon's own, such as a state.
std::string word_cell(const Json& value);

/// The value of the member with this name: a time as a time, a word of the daemon's own as a word.
std::string member_cell(std::string_view name, const Json& value);

/// What the member with this name is called.
std::string label(std::string_view name);

}  // namespace ticketd::client
