// One entry of the ledger: a change, complete in itself. It carries the event's counts after the
// change (not the difference), and for a purchase the key, the request and the result together, so
// that replaying it twice changes nothing and effect and key can never part.
// Byte layout: docs/store_format.md, "Entry".
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/box_office/hold.h"
#include "server/box_office/rules.h"
#include "server/box_office/stock.h"
#include "server/box_office/tickets.h"

namespace ticketd::store {

enum class EntryType : std::uint8_t {
    kEventCreated = 1,
    kEventResized = 2,
    kPurchased = 3,
    kKeyAbandoned = 4,  ///< no event: only uid and key, which never buys anything from now on
    kEventPaused = 5,
    kEventResumed = 6,
    kEventClosed = 7,
    kEventUpdated = 8,  ///< its window or its terms were set
    kHeld = 9,
    kConfirmed = 10,  ///< a hold: some of its tickets were sold, the others returned
    kReleased = 11,   ///< a hold, by its buyer, or because what it was bound to has ended
    kExtended = 12,   ///< a hold: it ends at another time
    kExpired = 13,    ///< a hold: its time was up
    kCancelled = 14,  ///< a sold order: some of its tickets came back, or all
};

struct Entry {
    EntryType type = EntryType::kEventCreated;
    Lsn lsn = 0;               ///< for a purchase and a hold also the number of the order
    std::int64_t time_ms = 0;  ///< milliseconds since 1970; never before that of an earlier entry
    UserId uid = 0;            ///< who asked; if nobody did, whose order it is
    EventId event = 0;
    box_office::Stock after;  ///< `after.lsn` is not stored: it is `lsn`
    std::string event_name;   ///< kEventCreated only
    /// Of what changes it: after the change. Else of no meaning, and as it is here.
    box_office::Rules rules;

    bool voids_holds = false;  ///< close: every hold of the event is released by it

    // Of orders.
    Lsn order = 0;     ///< what changes an order: its number
    Lsn previous = 0;  ///< what changes an order: the entry that said last what it is
    /// Purchase, hold, cancellation; of the last and of a confirmation, 0: all there was.
    std::uint64_t requested = 0;
    std::uint64_t min_quantity = 0;  ///< purchase, hold
    std::uint64_t granted = 0;       ///< purchase, hold, confirmation
    std::uint64_t first_serial = 0;  ///< purchase, confirmation; 0: `tickets` says which
    /// Which the order has after it: of a cancellation; where numbers are used again, of every
    /// entry by which somebody has some.
    box_office::TicketNumbers tickets;
    box_office::TicketNumbers returned;  ///< cancellation: which it took back
    bool names_tickets = false;          ///< cancellation: it was asked for by their numbers
    bool restocks = false;               ///< cancellation: else they are gone for good
    UserId owner = 0;                    ///< cancellation: whose order it is
    std::int64_t expires_ms = 0;         ///< hold, extension: milliseconds since 1970; 0: never
    box_office::Binding binding;         ///< hold

    std::string key;    ///< of what was asked with one; of an abandoned key, that key
    std::string buyer;  ///< purchase, hold, cancellation: as the buyer claimed; empty: the user
    std::string memo;   ///< purchase, hold; of a cancellation, its reason

    bool operator==(const Entry&) const = default;
};

/// Bytes of the shortest entry, without its numbers and texts.
inline constexpr std::size_t kEntryFixedBytes = 80;

/// True if a daemon can have stamped something with it: milliseconds since 1970, and so far from
/// the end of the range that what is added to it does not overflow.
bool is_time(std::int64_t time_ms);

void append_entry(std::string& out, const Entry& entry);

/// Takes one entry off the front of `bytes`. Nothing, and `bytes` untouched, if they do not start
/// with an entry that append_entry() could have written: wrong lengths, unknown type, unsound
/// counts, texts that no request could have carried.
std::optional<Entry> take_entry(std::string_view& bytes);

/// True if the entry says what the event's rules are from now on.
bool sets_rules(EntryType type);
/// True if the entry begins an order, whose number is its LSN.
bool begins_order(EntryType type);
/// True if the entry changes an order that an earlier one began.
bool changes_order(EntryType type);
/// The order that the entry begins or changes; 0 if it is about none.
Lsn order_number(const Entry& entry);
/// True if it is about an event, and so carries its counts.
bool concerns_event(EntryType type);
/// True if somebody has bought by it.
bool is_sale(EntryType type);
/// True for a sale and for a cancellation: what its order has then is sold.
bool concerns_sold(EntryType type);
/// The numbers that an order has which this entry said last what it is; none for a hold whose
/// tickets get theirs when they are sold.
box_office::TicketNumbers tickets_after(const Entry& entry);
/// What is wrong with a cancellation of an order of which `before` said last what it is; nothing if
/// it follows.
std::optional<std::string> problem_with_cancellation(const Entry& cancellation,
                                                     const Entry& before);

/// Rules as entries, checkpoints and slots store them, and back; nothing if no daemon can have
/// written that.
using StoredRules = std::array<std::uint64_t, 5>;
StoredRules stored_rules(const box_office::Rules& rules);
std::optional<box_office::Rules> read_rules(const StoredRules& stored);
/// Likewise a binding, which is stored as two numbers.
std::optional<box_office::Binding> read_binding(std::uint64_t bound, std::uint64_t process_start);
std::uint64_t stored_bound(const box_office::Binding& binding);

std::string_view entry_type_name(EntryType type);

}  // namespace ticketd::store
