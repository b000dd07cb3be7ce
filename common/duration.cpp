#include "common/duration.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace ticketd {
namespace {

struct Unit {
    std::string_view name;
    std::int64_t milliseconds;
};
constexpr std::array kUnits{Unit{"d", 24 * 3'600'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000},
                            Unit{"s", 1000}, Unit{"ms", 1}};

double milliseconds_in(std::string_view name) {
    for (const auto& unit : kUnits) {
        if (unit.name == name) return static_cast<double>(unit.milliseconds);
    }
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

std::string duration_text(std::chrono::milliseconds duration) {
    const auto count = duration.count();
    for (const auto& [name, milliseconds] : kUnits) {
        if (count >= milliseconds && count % milliseconds == 0) {
            return std::to_string(count / milliseconds) + std::string{name};
        }
    }
    return std::to_string(count) + "ms";
}

}  // namespace ticketd
