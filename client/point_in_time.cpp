#include "client/point_in_time.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

#include "common/duration.h"

namespace ticketd::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::system_clock;

// Not system_clock's own, whose nanoseconds end in the year 2262.
using Time = std::chrono::sys_time<milliseconds>;

std::int64_t since_1970(system_clock::time_point point) {
    return std::chrono::floor<milliseconds>(point).time_since_epoch().count();
}

constexpr std::string_view kForm = "0000-00-00T00:00:00.000";

// Without its Z; seconds and their fraction may be left out.
bool is_cut_well(std::string_view date) {
    return date.size() == 16 || date.size() == 19 || date.size() == kForm.size();
}

bool has_form(std::string_view date) {
    return std::equal(date.begin(), date.end(), kForm.begin(), [](char c, char form) {
        return form == '0' ? c >= '0' && c <= '9' : c == form;
    });
}

std::optional<std::int64_t> parse_date(std::string_view text) {
    if (!text.ends_with('Z') || !is_cut_well(text.substr(0, text.size() - 1))) return std::nullopt;
    std::string date{text.substr(0, text.size() - 1)};
    date += kForm.substr(date.size());
    if (!has_form(date)) return std::nullopt;
    const auto number = [&date](std::size_t at, std::size_t digits) {
        return std::stoi(date.substr(at, digits));
    };
    const std::chrono::year_month_day day{std::chrono::year{number(0, 4)},
                                          std::chrono::month{static_cast<unsigned>(number(5, 2))},
                                          std::chrono::day{static_cast<unsigned>(number(8, 2))}};
    const auto hour = number(11, 2), minute = number(14, 2), second = number(17, 2);
    if (!day.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
    const Time time = std::chrono::sys_days{day} + std::chrono::hours{hour} +
                      std::chrono::minutes{minute} + std::chrono::seconds{second} +
                      milliseconds{number(20, 3)};
    const auto since = time.time_since_epoch().count();
    return since > 0 ? std::optional<std::int64_t>{since} : std::nullopt;
}

}  // namespace

std::optional<std::int64_t> parse_time(std::string_view text, system_clock::time_point now) {
    if (text == "never") return 0;
    if (text == "now") return since_1970(now);
    if (!text.starts_with('+')) return parse_date(text);
    const auto distance = parse_duration(text.substr(1));
    return distance ? std::optional{since_1970(now + *distance)} : std::nullopt;
}

std::string time_text(std::int64_t since_1970_ms) {
    const Time point{milliseconds{since_1970_ms}};
    const auto midnight = std::chrono::floor<std::chrono::days>(point);
    const std::chrono::year_month_day day{midnight};
    const std::chrono::hh_mm_ss time{point - midnight};
    std::array<char, 64> text{};
    const auto length = std::snprintf(
        text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
        static_cast<int>(day.year()), static_cast<unsigned>(day.month()),
        static_cast<unsigned>(day.day()), static_cast<int>(time.hours().count()),
        static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()),
        static_cast<int>(time.subseconds().count()));
    return {text.data(), static_cast<std::size_t>(length)};
}

}  // namespace ticketd::client
