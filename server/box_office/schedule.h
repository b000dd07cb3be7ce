// Whether an event sells, and when. Plain values: no clock of its own, the caller says what time it
// is. Times are milliseconds since 1970.
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

struct Schedule {
    SaleState state = SaleState::kOpen;
    Window window;

    bool operator==(const Schedule&) const = default;
};

/// True if the times are none or not negative, and the window, if it has an end, has a length.
bool is_sound(const Schedule& schedule);

/// What a purchase would be refused with at this time, whatever there is: closed, paused or
/// not_open, in this order; nothing if the event sells.
std::optional<ErrorKind> closed_door(const Schedule& schedule, std::int64_t now_ms);

struct Pause {};
struct Resume {};  ///< after a pause or a close
struct Close {};
/// What is left out stays.
struct SetWindow {
    std::optional<std::int64_t> opens_ms, closes_ms;
};
using ScheduleChange = std::variant<Pause, Resume, Close, SetWindow>;

/// The schedule after the change, which may be the same. Errors: wrong_state if a closed event is
/// to be paused, invalid_params for a window without a length.
std::variant<Schedule, ErrorKind> decide(const Schedule& schedule, const ScheduleChange& change);

}  // namespace ticketd::box_office
