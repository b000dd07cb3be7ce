// Whether an event sells, when, and on what terms. Plain values: no clock of its own, the caller
// says what time it is. Times are milliseconds since 1970.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "common/error_kind.h"

namespace ticketd::box_office {

/// What an operator has set; whether it sells now also depends on its window.
enum class SaleState : std::uint8_t { kOpen = 1, kPaused = 2, kClosed = 3 };

/// Sales from `opens_ms` up to, but not at, `closes_ms`.
struct Window {
    std::int64_t opens_ms = 0;   ///< 0: from the beginning
    std::int64_t closes_ms = 0;  ///< 0: without end

    bool operator==(const Window&) const = default;
};

/// What happens when the first in line wants more than there is (line.h).
enum class LinePolicy : std::uint8_t {
    kStrict = 0,  ///< everybody behind waits too
    kFit = 1,     ///< those who want less may pass
};

struct Terms {
    LinePolicy line = LinePolicy::kStrict;
    bool closes_when_sold_out = false;
    std::uint16_t order_limit = 0;  ///< tickets in one order; 0: limits::kQuantity
    std::uint32_t buyer_limit = 0;  ///< tickets that one buyer can have, held or sold; 0: any
    bool takes_names = false;       ///< a buyer is who they say they are
    bool reuses_numbers = false;    ///< tickets that return are handed out again, lowest first

    bool operator==(const Terms&) const = default;
};

struct Rules {
    SaleState state = SaleState::kOpen;
    Window window;
    Terms terms = {};

    bool operator==(const Rules&) const = default;
};

/// True if the times are none or not negative, the window, if it has an end, has a length, and no
/// limit is above the one there is anyway.
bool is_sound(const Rules& rules);

/// The most tickets that an event on these terms can have.
std::uint64_t most_capacity(const Terms& terms);

/// What a purchase would be refused with at this time, whatever there is: closed, paused or
/// not_open, in this order; nothing if the event sells.
std::optional<ErrorKind> closed_door(const Rules& rules, std::int64_t now_ms);

struct Pause {};
struct Resume {};  ///< after a pause or a close
struct Close {
    bool voids_holds = false;  ///< all that is held returns, and no hold is confirmed any more
};
/// What is left out stays. The other terms are for the life of an event.
struct Update {
    std::optional<std::int64_t> opens_ms, closes_ms;
    std::optional<LinePolicy> line = {};
    std::optional<bool> closes_when_sold_out = {};
    std::optional<std::uint16_t> order_limit = {};
    std::optional<std::uint32_t> buyer_limit = {};
};
using RulesChange = std::variant<Pause, Resume, Close, Update>;

/// When, after `now_ms`, the next closed_door() will be another by itself; nothing if never.
std::optional<std::int64_t> next_door_ms(const Rules& rules, std::int64_t now_ms);

/// The rules after the change, which may be the same. `now_ms`: since 1970. Errors: wrong_state if
/// what is closed, also by its window, is to be paused, invalid_params for a window without a
/// length.
std::variant<Rules, ErrorKind> decide(const Rules& rules, const RulesChange& change,
                                      std::int64_t now_ms);

}  // namespace ticketd::box_office
