// Durations as people type them: 250ms, 2s, 1.5s, 5m, 1h30m, 7d. Thread-safe, no state.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace ticketd {

/// What parse_duration() takes at most.
inline constexpr std::chrono::hours kDurationMax{365 * 24};

/// Milliseconds of a non-negative decimal number and its unit (ms, s, m, h, d), or of several, each
/// with a smaller unit than the one before: 1d12h. However many; nothing if the text is anything
/// else. A number without a unit is refused: nobody knows what it means.
std::optional<double> read_duration_ms(std::string_view text);

/// The same as a duration; nothing if it means more than kDurationMax either.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// The same the other way: the largest unit of which it is a whole number, 10m and not 600s.
/// Precondition: not negative.
std::string duration_text(std::chrono::milliseconds duration);

}  // namespace ticketd
