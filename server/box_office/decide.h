// The rules of selling: decide(state, command) gives the new state or a refusal. Pure functions of
// their arguments; thread-safe; they never fail otherwise. Storing the new state, stamping it with
// its LSN and telling the buyer is the caller's part.
//
// Preconditions, checked where requests are read: quantities are 1 to limits::kQuantity with
// minimum <= quantity, capacities at most limits::kCapacity.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "common/error_kind.h"
#include "server/box_office/rules.h"
#include "server/box_office/stock.h"
#include "server/box_office/tickets.h"

namespace ticketd::box_office {

/// What `limit_reached` tells the limit of.
enum class Limit : std::uint8_t {
    kEvents,    ///< of the daemon
    kHolds,     ///< of one user
    kHoldLife,  ///< milliseconds
    kCapacity,  ///< of the event
    kOrder,     ///< tickets in one order of the event
    kBuyer,     ///< tickets of the event that one buyer may have
};

/// Why nothing was done, with the numbers that led to it.
struct Refusal {
    ErrorKind kind = ErrorKind::kInternal;
    std::uint64_t requested = 0;
    std::uint64_t available = 0;
    std::uint64_t held = 0;
    std::uint64_t capacity = 0;
    std::uint64_t committed = 0;  ///< held + sold: the floor of a resize
    std::int64_t opens_ms = 0;    ///< not_open: when it opens, milliseconds since 1970
    /// not_open: how long that is from now; held_out, insufficient: to the end of the next hold
    std::int64_t wait_ms = 0;
    std::uint64_t limit = 0;                  ///< limit_reached: how much that is
    Limit limit_of = Limit::kEvents;          ///< limit_reached
    std::optional<std::uint64_t> owned = {};  ///< Limit::kBuyer: what the buyer has
};

struct Purchase {
    std::uint64_t quantity = 1;
    std::uint64_t min_quantity = 1;  ///< less than `quantity`: a part is welcome
    std::uint64_t owned = 0;         ///< what the buyer has of the event already, held or sold
};

/// Tickets [first_serial, first_serial + granted) are the buyer's.
struct Sale {
    Stock after;
    std::uint64_t granted = 0;
    std::uint64_t first_serial = 0;
};

/// `granted` tickets are kept for the buyer, and have no serials yet.
struct Held {
    Stock after;
    std::uint64_t granted = 0;
};

/// Of a live hold: sells so many of its tickets and frees the rest.
struct Confirm {
    std::uint64_t quantity = 0;  ///< 0: all of them
};

/// Of a sold order: which tickets return.
struct Cancel {
    std::uint64_t quantity = 0;  ///< 0: all it has, or those of `numbers`; else the last of them
    TicketNumbers numbers = {};
    bool restocks = true;  ///< else they are gone, and the capacity with them
};

struct Cancelled {
    Stock after;
    TicketNumbers returned;
    TicketNumbers kept;
};

/// To a capacity, or by some tickets more or less.
struct Resize {
    std::uint64_t capacity = 0;
    std::optional<std::int64_t> delta = {};  ///< instead of the capacity
    std::optional<Lsn> if_lsn = {};          ///< only if this is the event's last change
    bool is_forced = false;                  ///< also below what is held and sold
};

/// Sells as many as are available up to `quantity`, if that is at least `min_quantity`.
/// `now_ms`: milliseconds since 1970. Refusals, the first that is true: closed; limit_reached (at
/// least more than the event's order limit, or than its buyer limit leaves this buyer);
/// never_satisfiable (more than the event's capacity); paused, not_open; sold_out (nothing
/// available or held), held_out (nothing available, but holds may return), insufficient (some, but
/// too few).
std::variant<Sale, Refusal> decide(const Stock& stock, const Rules& rules, const Purchase& purchase,
                                   std::int64_t now_ms);

/// Which of these it is when there are too few.
ErrorKind shortage(const Stock& stock);

/// Why a purchase would not be worth waiting for; nothing if it may be had, now or later.
std::optional<Refusal> hopeless(const Stock& stock, const Rules& rules, const Purchase& purchase,
                                std::int64_t now_ms);

/// The refusal of somebody who could have what is available, were it not for those ahead in line.
Refusal reserve_for_line(const Stock& stock, const Purchase& purchase);

/// True if there may be tickets later for who was refused with this.
bool may_pass(ErrorKind kind);

/// Keeps tickets back instead of selling them; the same rules and refusals.
std::variant<Held, Refusal> decide_hold(const Stock& stock, const Rules& rules,
                                        const Purchase& terms, std::int64_t now_ms);

/// Sells from a live hold of `held` tickets, whether or not the event sells now. Refusal:
/// invalid_params if it has fewer, with `held` as the refusal's.
std::variant<Sale, Refusal> decide(const Stock& stock, std::uint64_t held, const Confirm& confirm);

/// The tickets of a live hold return to the stock.
Stock give_back(const Stock& stock, std::uint64_t held);

/// Takes back tickets of an order that has those of `tickets`. Refusals: invalid_params if it never
/// had so many, wrong_state if it has not got one of them any more; `held` is what it has.
std::variant<Cancelled, Refusal> decide(const Stock& stock, const TicketNumbers& tickets,
                                        const Cancel& cancel);
/// So many sold tickets return, to the stock or for good.
Stock take_back(const Stock& stock, std::uint64_t sold, bool restocks);

/// Sets the capacity. Refusals: stale_lsn, capacity_below_committed unless it is forced (then there
/// is an overcommit), limit_reached (above the
/// most that an event on these terms can have: limits::kCapacity or limits::kSlots).
std::variant<Stock, Refusal> decide(const Stock& stock, const Terms& terms, const Resize& resize);

}  // namespace ticketd::box_office
