// How sets of ticket numbers are stored: u64 first number, u16 bytes, then a bit for each number
// from the first on, lowest bit first. An empty set is first 0 and no bytes. One set has one form.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "server/box_office/tickets.h"

namespace ticketd::store {

/// Precondition: from first to last there are at most limits::kQuantity.
void append_numbers(std::string& out, const box_office::TicketNumbers& numbers);

/// Takes a set off the front of `bytes`; nothing, and `bytes` as it was, if none is there that
/// append_numbers() can have written.
std::optional<box_office::TicketNumbers> take_numbers(std::string_view& bytes);

}  // namespace ticketd::store
