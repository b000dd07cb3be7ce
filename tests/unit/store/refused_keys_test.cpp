#include "server/store/refused_keys.h"

#include <doctest/doctest.h>

#include "common/limits.h"

using namespace ticketd;
using namespace ticketd::store;

TEST_CASE("refusals are remembered up to the limit, the oldest goes first") {
    RefusedKeys keys;
    for (std::uint64_t i = 0; i <= limits::kRefusedKeys; ++i) {
        keys.remember({i, i}, {{ErrorKind::kSoldOut}, i, 1});
    }
    CHECK(keys.size() == limits::kRefusedKeys);
    CHECK_FALSE(keys.find({0, 0}).has_value());
    REQUIRE(keys.find({1, 1}).has_value());
    CHECK(keys.find({1, 1})->fingerprint == 1);
}

TEST_CASE("refusals that rest on what was taken back are forgotten") {
    RefusedKeys keys;
    keys.remember({1, 1}, {{ErrorKind::kSoldOut}, 0, 5});
    keys.remember({2, 2}, {{ErrorKind::kSoldOut}, 0, 6});
    keys.forget_after(5);
    CHECK(keys.find({1, 1}).has_value());
    CHECK_FALSE(keys.find({2, 2}).has_value());
    keys.remember({2, 2}, {{ErrorKind::kSoldOut}, 0, 6});
    CHECK(keys.size() == 2);
}
