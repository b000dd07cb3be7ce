#include "client/point_in_time.h"

#include <doctest/doctest.h>

namespace ticketd::client {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kNow = 1'700'000'000'123;

std::optional<std::int64_t> time_of(std::string_view text) {
    return parse_time(text, std::chrono::system_clock::time_point{milliseconds{kNow}});
}

}  // namespace

TEST_CASE("a time is a date in UTC, a distance from now, now or never") {
    CHECK(time_of("2026-12-24T18:00:00Z") == 1'798'135'200'000);
    CHECK(time_of("2026-12-24T18:00Z") == 1'798'135'200'000);
    CHECK(time_of("2026-12-24T18:00:00.250Z") == 1'798'135'200'250);
    CHECK(time_of("2028-02-29T23:59:59Z") == 1'835'481'599'000);
    CHECK(time_of("now") == kNow);
    CHECK(time_of("+90m") == kNow + 90 * 60'000);
    CHECK(time_of("+250ms") == kNow + 250);
    CHECK(time_of("+7d") == kNow + 7 * 24 * 3'600'000LL);
    CHECK(time_of("never") == 0);
}

TEST_CASE("what is no time is not guessed at") {
    for (const auto* text : {"",
                             "Now",
                             "tomorrow",
                             "+",
                             "+5",
                             "-5m",
                             "5m",
                             "+-5m",
                             "0",
                             "1700000000",
                             "2026-12-24",
                             "2026-12-24T18:00:00",
                             "2026-12-24 18:00:00Z",
                             "2026-12-24T18:00:00+01:00",
                             "2026-12-24T24:00:00Z",
                             "2026-12-24T18:60:00Z",
                             "2026-12-24T18:00:60Z",
                             "2026-02-29T00:00:00Z",
                             "2026-13-01T00:00:00Z",
                             "2026-00-01T00:00:00Z",
                             "2026-12-24T18:00:0xZ",
                             "1969-12-31T23:59:59Z",
                             "1970-01-01T00:00:00Z",
                             "2026-12-24T18:00:00ZZ",
                             "26-12-24T18:00:00Z00",
                             "2026-12-24T18:00:00.25Z",
                             "2026-12-24T18:00:00.2500Z",
                             "2026-12-24T18:00:00,250Z",
                             "2026-12-24T1 :00:00Z",
                             "2026-12-24T+1:00:00Z",
                             "Z"}) {
        CAPTURE(text);
        CHECK_FALSE(time_of(text).has_value());
    }
}

TEST_CASE("a time is shown as it can be typed") {
    for (const std::int64_t time :
         {1LL, 1'798'135'200'000LL, 1'835'481'599'999LL, 253'402'300'799'999LL})
        CHECK(time_of(time_text(time)) == time);
    CHECK(time_text(1'798'135'200'250) == "2026-12-24T18:00:00.250Z");
}

}  // namespace ticketd::client
