// How orders and ledger entries look on the wire.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "common/json_writer.h"
#include "server/net/session.h"
#include "server/store/store.h"

namespace ticketd::net {

enum class Replayed : std::uint8_t { kNo, kYes };

/// Milliseconds that a hold has left; nothing if it has no end.
using TimeLeft = std::optional<std::chrono::milliseconds>;

/// The word for the state in which the entry leaves the orders it changes.
std::string_view order_state(const store::Entry& entry);

/// The result of the request that made this entry of an order, or abandoned a key. `left`: of a
/// hold, from now on.
std::string answer_json(const store::Entry& entry, std::string_view event, TimeLeft left,
                        Replayed replayed);

/// An order, as `order` and `orders` show it.
void append_order(JsonWriter& json, const store::KnownOrder& order, std::string_view event,
                  TimeLeft left);

/// Any entry, as `ledger.read` shows it.
void append_entry(JsonWriter& json, const store::Entry& entry, std::string_view event);

/// What of an entry about an event may be told to everybody: not who, and not how many at once.
void append_change(JsonWriter& json, const store::Entry& entry, std::string_view event);

/// The members by which every method shows an event's counts; an overcommit only to those who can
/// do something about it.
void append_counts(JsonWriter& json, const store::Event& event, std::int64_t now_ms,
                   const Caller& caller);

}  // namespace ticketd::net
