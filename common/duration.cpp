#include "common/duration.h"

#include <charconv>
#include <cmath>

namespace ticketd {
namespace {

double milliseconds_in(std::string_view unit) {
    if (unit == "ms") return 1;
    if (unit == "s") return 1000;
    if (unit == "m") return 60'000;
    if (unit == "h") return 3'600'000;
    if (unit == "d") return 24 * 3'600'000;
    return 0;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
    constexpr double kYearMs = 365.0 * 24 * 3'600'000;
    double number = 0;
    const auto* last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, number, std::chars_format::fixed);
    if (error != std::errc{} || std::signbit(number)) return std::nullopt;
    const double unit = milliseconds_in({end, static_cast<std::size_t>(last - end)});
    const double total = number * unit;
    if (unit == 0 || !(total <= kYearMs)) return std::nullopt;
    return std::chrono::milliseconds{std::llround(total)};
}

}  // namespace ticketd
