// How orders and ledger entries look on the wire.
#pragma once

#include <string>
#include <string_view>

#include "common/json_writer.h"
#include "server/store/entry.h"
#include "server/store/ledger_state.h"

namespace ticketd::net {

enum class Replayed : std::uint8_t { kNo, kYes };

/// The result of `purchase`.
std::string purchase_json(const store::Entry& sale, std::string_view event, Replayed replayed);

/// The result of `abandon` for a key that never bought anything.
std::string abandoned_json(const store::Entry& entry, Replayed replayed);

/// The order that `sale` made, as `order` and `orders` show it.
void append_order(JsonWriter& json, const store::Entry& sale, std::string_view event);

/// Any entry, as `ledger.read` shows it.
void append_entry(JsonWriter& json, const store::Entry& entry, std::string_view event);

/// The members by which every method shows an event's counts.
void append_counts(JsonWriter& json, const store::Event& event, std::int64_t now_ms);

}  // namespace ticketd::net
