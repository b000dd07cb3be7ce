// A store read by a reader of its own: written from docs/store_format.md alone, with nothing of
// server/, so that a mistake there cannot hide itself. Reads journal and stock file; throws at the
// first byte that the document does not call for.
//
// It does not read the checkpoint and the files beside it: they only save time, and everything they
// say is in the journal.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace ticketd::testing {

enum class RawType : std::uint8_t {
    kEventCreated = 1,
    kEventResized = 2,
    kPurchased = 3,
    kKeyAbandoned = 4,
    kEventPaused = 5,
    kEventResumed = 6,
    kEventClosed = 7,
    kEventUpdated = 8,
    kHeld = 9,
    kConfirmed = 10,
    kReleased = 11,
    kExtended = 12,
    kExpired = 13,
    kCancelled = 14,
};

struct RawEntry {
    RawType type = RawType::kEventCreated;
    std::uint64_t lsn = 0;
    std::int64_t time_ms = 0;
    std::uint32_t uid = 0;
    std::uint32_t event = 0;
    std::uint64_t capacity = 0, held = 0, sold = 0, next_serial = 0;  ///< after the change
    std::uint64_t overcommit = 0;
    std::uint64_t requested = 0, min_quantity = 0, granted = 0, first_serial = 0;
    /// Of an event that is created, or whose sale is opened or closed: 1 open, 2 paused, 3 closed.
    std::uint64_t state = 0;
    std::int64_t opens_ms = 0, closes_ms = 0;  ///< 0: none
    /// Lower half: order limit; then 1 line fits, 2 closes itself, 4 takes names, 8 uses numbers
    /// again.
    std::uint64_t terms = 0;
    std::uint64_t buyer_limit = 0;
    bool voids_holds = false;               ///< of a close
    std::uint64_t order = 0, previous = 0;  ///< of what changes an order
    std::int64_t expires_ms = 0;            ///< of a hold, or its extension; 0: never
    std::uint32_t bind = 0, pid = 0;        ///< of a hold: 1 its connection, 2 a process
    std::uint64_t process_start = 0;
    bool names_tickets = false, restocks = false;  ///< of a cancellation
    std::uint32_t owner = 0;
    std::string event_name, key, buyer, memo;
    std::vector<std::uint64_t> tickets, returned;

    bool sets_rules() const { return type == RawType::kEventCreated || state != 0; }
    bool is_sale() const { return type == RawType::kPurchased || type == RawType::kConfirmed; }
    std::uint64_t available() const { return capacity + overcommit - held - sold; }
};

struct RawSlot {
    std::uint32_t state = 0;
    std::uint64_t lsn = 0, capacity = 0, available = 0, held = 0, sold = 0, next_serial = 0;
    std::string name;
    std::int64_t opens_ms = 0, closes_ms = 0;
    std::uint64_t terms = 0, buyer_limit = 0, overcommit = 0;
};

/// Where the next group will be written.
struct RawEnd {
    std::uint64_t segment = 0;
    std::uint64_t offset = 0;  ///< behind the last whole group of that segment
};

struct RawStore {
    std::uint32_t version = 0;
    std::vector<RawEntry> entries;
    std::vector<RawSlot> slots;  ///< of a stopped daemon only
    RawEnd end;
    std::uint64_t tail_bytes = 0;  ///< behind the end, up to the last that is not zero
};

/// Names a file, an offset and what is wrong there.
class RawDamage : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// How the daemon ended, which says what may be found.
enum class Ending : std::uint8_t {
    kStopped,  ///< nothing half done anywhere, and the stock file says what the journal says
    kKilled,   ///< a torn tail; a stock file ahead of the journal, which is not read
};

/// Throws RawDamage.
RawStore read_raw_store(const std::string& directory, Ending ending);

/// How far the newest segment is filled; works while the daemon runs. Throws RawDamage.
RawEnd raw_journal_end(const std::string& directory);

/// The slots of the stock file of the store that this segment header belongs to; read_raw_store()
/// calls it. Throws RawDamage.
std::vector<RawSlot> read_raw_slots(const std::string& directory,
                                    const std::string& segment_header);

std::string raw_segment_name(std::uint64_t number);

}  // namespace ticketd::testing
