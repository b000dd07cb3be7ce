// Whole numbers as people type them. Thread-safe, no state.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/limits.h"

namespace ticketd::client {

/// Reads decimal digits and nothing else: no sign, blank, fraction, exponent or unit, and no number
/// that JSON readers would not keep exact.
inline std::optional<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t number = 0;
    const auto* first = text.data();
    const auto* last = first + text.size();
    const auto [end, error] = std::from_chars(first, last, number);
    if (error != std::errc{} || end != last || number > limits::kInteger) return std::nullopt;
    return number;
}

}  // namespace ticketd::client
