// One entry of the ledger: a change, complete in itself. It carries the event's counts after the
// change (not the difference), and for a purchase the key, the request and the result together, so
// that replaying it twice changes nothing and effect and key can never part.
// Byte layout: docs/store_format.md, "Entry".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/box_office/schedule.h"
#include "server/box_office/stock.h"

namespace ticketd::store {

enum class EntryType : std::uint8_t {
    kEventCreated = 1,
    kEventResized = 2,
    kPurchased = 3,
    kKeyAbandoned = 4,  ///< no event: only uid and key, which never buys anything from now on
    kEventPaused = 5,
    kEventResumed = 6,
    kEventClosed = 7,
    kEventScheduled = 8,  ///< its window was set
};

struct Entry {
    EntryType type = EntryType::kEventCreated;
    Lsn lsn = 0;               ///< for a purchase also the number of the order
    std::int64_t time_ms = 0;  ///< milliseconds since 1970; never before that of an earlier entry
    UserId uid = 0;            ///< who asked
    EventId event = 0;
    box_office::Stock after;  ///< `after.lsn` is not stored: it is `lsn`
    std::string event_name;   ///< kEventCreated only
    /// Of what changes it: after the change. Else of no meaning, and as it is here.
    box_office::Schedule schedule;

    // kPurchased only, but for the key
    std::uint64_t requested = 0;
    std::uint64_t min_quantity = 0;
    std::uint64_t granted = 0;
    std::uint64_t first_serial = 0;
    std::string key;  ///< of a purchase, empty: it carried none; of an abandoned key, that key
    std::string memo;

    bool operator==(const Entry&) const = default;
};

/// Bytes before the texts of an entry.
inline constexpr std::size_t kEntryFixedBytes = 100;

/// True if a daemon can have stamped something with it: milliseconds since 1970, and so far from
/// the end of the range that what is added to it does not overflow.
bool is_time(std::int64_t time_ms);

void append_entry(std::string& out, const Entry& entry);

/// Takes one entry off the front of `bytes`. Nothing, and `bytes` untouched, if they do not start
/// with an entry that append_entry() could have written: wrong lengths, unknown type, unsound
/// counts, texts that no request could have carried.
std::optional<Entry> take_entry(std::string_view& bytes);

/// True if the entry says what the event's schedule is from now on.
bool sets_schedule(EntryType type);

std::string_view entry_type_name(EntryType type);

}  // namespace ticketd::store
