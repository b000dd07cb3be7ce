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
}

TEST_CASE("what is no duration is refused") {
    for (const auto* text : {"", "5", "s", "-1s", "-0s", "1e3s", "1 s", "1w", "1ss", "nan", "inf",
                             "nans", "infs", "9999999h", "0x1s", "+1s"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_duration(text).has_value());
    }
}
