// The counts of one event and the rule that holds between them. Plain values: no files, no clock,
// no JSON, so that the same rules can later sell from a stock kept elsewhere.
#pragma once

#include <cstdint>

namespace ticketd {

/// Log sequence number: the place of a change in the ledger, from 1, growing by one.
using Lsn = std::uint64_t;
/// Number of an event, from 0 in order of creation; also its slot in the stock file.
using EventId = std::uint32_t;
using UserId = std::uint32_t;

}  // namespace ticketd

namespace ticketd::box_office {

struct Stock {
    std::uint64_t capacity = 0;
    std::uint64_t held = 0;
    std::uint64_t sold = 0;
    std::uint64_t next_serial = 1;  ///< the serial of the next ticket sold; never goes back
    Lsn lsn = 0;                    ///< the last change of this event

    /// capacity = available + held + sold, always: available is what the others leave.
    std::uint64_t available() const { return capacity - held - sold; }

    bool operator==(const Stock&) const = default;
};

/// True if the counts can be those of a real event: nothing oversold, and no serial handed out
/// that no sale accounts for.
bool is_sound(const Stock& stock);

}  // namespace ticketd::box_office
