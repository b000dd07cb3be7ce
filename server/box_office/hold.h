// A hold: tickets that are kept for one buyer until they are confirmed, given back, or their time
// is up. Plain values: no clock of its own, no processes; the caller says what time it is and who
// has died. Times are milliseconds.
#pragma once

#include <cstdint>
#include <optional>

#include "server/box_office/buyer.h"
#include "server/box_office/stock.h"
#include "server/box_office/tickets.h"

namespace ticketd::box_office {

/// What a hold lives no longer than, beside its time.
enum class Bind : std::uint8_t {
    kNothing = 0,
    kConnection = 1,  ///< the one that asked for it
    kProcess = 2,     ///< one of whoever asked for it
};

struct Binding {
    Bind bind = Bind::kNothing;
    std::uint32_t pid = 0;            ///< kProcess
    std::uint64_t process_start = 0;  ///< kProcess: its start, in ticks since boot; pids come again

    bool operator==(const Binding&) const = default;
};

/// True if the binding names a process exactly when it has to.
bool is_sound(const Binding& binding);

/// A hold that lives.
struct Hold {
    EventId event = 0;
    UserId uid = 0;               ///< whose it is
    std::uint64_t quantity = 0;   ///< tickets it keeps
    std::int64_t made_ms = 0;     ///< when it was made, since 1970
    std::int64_t since_ms = 0;    ///< when its time was set last, since 1970
    std::int64_t expires_ms = 0;  ///< when its time is up, since 1970; 0: never
    Binding binding;
    Lsn last = 0;  ///< the entry that said last what it is
    BuyerId buyer = {};
    TicketNumbers slots = {};  ///< where numbers are used again: those it keeps

    bool operator==(const Hold&) const = default;
};

/// How long it has left at `now_ms` (since 1970), as far as a clock that may have been set can
/// tell: never more than it was given. Precondition: it ends.
std::int64_t left_ms(const Hold& hold, std::int64_t now_ms);

/// When it ends if it is to live for `ttl_ms` from now on; nothing if it would live for longer than
/// limits::kHoldMsMax in all. One without an end may be given any.
std::optional<std::int64_t> extended_end_ms(const Hold& hold, std::int64_t ttl_ms,
                                            std::int64_t now_ms);

}  // namespace ticketd::box_office
