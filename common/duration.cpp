#include "common/duration.h"

#include <algorithm>
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

// How long the name of a unit at the start of the text is.
std::size_t letters_at_start(std::string_view text) {
    std::size_t count = 0;
    while (count < text.size() && text[count] >= 'a' && text[count] <= 'z')
        ++count;
    return count;
}

}  // namespace

std::optional<double> read_duration_ms(std::string_view text) {
    double total = 0;
    const auto* rest = kUnits.begin();  // those that may come yet begin here
    do {
        double number = 0;
        const auto* last = text.data() + text.size();
        const auto [end, error] =
            std::from_chars(text.data(), last, number, std::chars_format::fixed);
        if (error != std::errc{} || std::signbit(number)) return std::nullopt;
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        const auto name = text.substr(0, letters_at_start(text));
        const auto* unit =
            std::find_if(rest, kUnits.end(), [name](const Unit& one) { return one.name == name; });
        if (unit == kUnits.end()) return std::nullopt;
        total += number * static_cast<double>(unit->milliseconds);
        text.remove_prefix(name.size());
        rest = unit + 1;
    } while (!text.empty());
    return std::isnan(total) ? std::nullopt : std::optional{total};
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
    constexpr double kMostMs = std::chrono::duration<double, std::milli>{kDurationMax}.count();
    const auto total = read_duration_ms(text);
    if (!total || *total > kMostMs) return std::nullopt;
    return std::chrono::milliseconds{std::llround(*total)};
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
