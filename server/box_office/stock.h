// The counts of one event and the rule that holds between them. Plain values: no files, no clock,
// no JSON, so that the same rules can later sell from a stock kept elsewhere.
#pragma once

#include <algorithm>
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
    /// Tickets held or sold beyond the capacity, because an operator forced it below them; while
    /// there are any, none is available, and what returns goes to them first.
    std::uint64_t overcommit = 0;

    std::uint64_t committed() const { return held + sold; }
    /// capacity + overcommit = available + held + sold, always: available is what the others leave.
    std::uint64_t available() const { return capacity + overcommit - held - sold; }

    /// How many of those held would be available if all of them came back.
    std::uint64_t may_return() const { return held - std::min(held, overcommit); }

    bool operator==(const Stock&) const = default;
};

/// True if the counts can be those of a real event: nothing oversold but what is owned up to as
/// overcommit, and no more sold than serials were handed out.
bool is_sound(const Stock& stock);

}  // namespace ticketd::box_office
