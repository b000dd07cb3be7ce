#include "client/backoff.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace ticketd::client {

TEST_CASE("pauses double from 2 ms to 200 ms and are cut by at most a half") {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        Backoff backoff{seed};
        auto step = Backoff::kFirst;
        for (int i = 0; i < 12; ++i) {
            const auto pause = backoff.next();
            CHECK(pause >= step / 2);
            CHECK(pause <= step);
            step = std::min(step * 2, Backoff::kLongest);
        }
    }
}

TEST_CASE("two clients that fail together do not come back together") {
    Backoff one{1};
    Backoff other{2};
    int same = 0;
    for (int i = 0; i < 20; ++i)
        same += one.next() == other.next() ? 1 : 0;
    CHECK(same < 10);
}

}  // namespace ticketd::client
