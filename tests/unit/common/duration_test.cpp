#include "common/duration.h"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using ticketd::parse_duration;

TEST_CASE("durations are read with their unit") {
    CHECK(parse_duration("250ms") == 250ms);
    CHECK(parse_duration("2s") == 2s);
    CHECK(parse_duration("1.5s") == 1500ms);
    CHECK(parse_duration("5m") == 5min);
    CHECK(parse_duration("1h") == 1h);
    CHECK(parse_duration("0s") == 0ms);
    CHECK(parse_duration("365d") == ticketd::kDurationMax);
}

TEST_CASE("a duration of several units goes from the largest to the smallest") {
    CHECK(parse_duration("1h30m") == 90min);
    CHECK(parse_duration("1d12h") == 36h);
    CHECK(parse_duration("1m0.5s") == 60'500ms);
    CHECK(parse_duration("1d2h3m4s5ms") == 26h + 3min + 4s + 5ms);
    for (const auto* text : {"30m1h", "1h1h", "1h30", "1h-30m", "1h 30m", "h30m", "364d25h"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_duration(text).has_value());
    }
}

TEST_CASE("what is no duration is refused") {
    for (const auto* text : {"", "5", "s", "-1s", "-0s", "1e3s", "1 s", "1w", "1ss", "nan", "inf",
                             "nans", "infs", "366d", "9999999h", "0x1s", "+1s"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_duration(text).has_value());
    }
}
