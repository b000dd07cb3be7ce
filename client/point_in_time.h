// Points in time as people type them. Thread-safe, no state.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ticketd::client {

/// Milliseconds since 1970 of `2026-12-24T18:00:00.000Z` (seconds, or their fraction, may be left
/// out; `Z` is UTC, and the only zone, because the daemon may be in another one than who types),
/// `+90m` from `now` (with `d` for days), `now` itself, or 0 for `never`, which no other text
/// gives. Nothing if the text is anything else.
std::optional<std::int64_t> parse_time(std::string_view text,
                                       std::chrono::system_clock::time_point now);

/// The time as parse_time() reads it. Precondition: since 1970, and before the year 10000.
std::string time_text(std::int64_t since_1970_ms);

}  // namespace ticketd::client
