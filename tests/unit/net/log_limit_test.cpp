#include "server/net/log_limit.h"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using ticketd::net::LogLimit;

TEST_CASE("one line in ten seconds, which tells how many were left out") {
    LogLimit limit;
    const std::chrono::steady_clock::time_point start{};
    CHECK(limit.admit(start) == 0);
    for (int i = 0; i < 1000; ++i)
        CHECK_FALSE(limit.admit(start + i * 9ms));
    CHECK_FALSE(limit.admit(start + 9'999ms));
    CHECK(limit.admit(start + 10s) == 1001);
    CHECK_FALSE(limit.admit(start + 11s));
    CHECK(limit.admit(start + 30s) == 1);
    CHECK(limit.admit(start + 60s) == 0);
}
