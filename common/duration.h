// Durations as people type them: 250ms, 2s, 1.5s, 5m, 1h, 7d. Thread-safe, no state.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace ticketd {

/// Reads a non-negative decimal number and its unit (ms, s, m, h, d). Nothing if the text is
/// anything else or means more than a year. A number without a unit is refused: nobody knows what
/// it means.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// The same the other way: the largest unit of which it is a whole number, 10m and not 600s.
/// Precondition: not negative.
std::string duration_text(std::chrono::milliseconds duration);

}  // namespace ticketd
