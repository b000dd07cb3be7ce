#include "server/store/key_index.h"

#include <doctest/doctest.h>

#include <map>
#include <random>

using namespace ticketd;
using namespace ticketd::store;

TEST_CASE("keys of different users are different keys") {
    constexpr StoreId kStore{'s'};
    constexpr StoreId kOther{'o'};
    CHECK(key_digest(kStore, 1, "a") == key_digest(kStore, 1, "a"));
    CHECK(key_digest(kStore, 1, "a") != key_digest(kStore, 2, "a"));
    CHECK(key_digest(kStore, 1, "a") != key_digest(kStore, 1, "b"));
    CHECK(key_digest(kStore, 1, "a") != key_digest(kOther, 1, "a"));
}

TEST_CASE("random inserts and erases agree with a map") {
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random{seed};
    KeyIndex index;
    std::map<std::uint64_t, Lsn> model;
    Lsn lsn = 0;
    // Few distinct homes, so that runs form and wrap around the end.
    const auto digest = [](std::uint64_t name) { return KeyDigest{name, name % 7 * 0x0fff}; };
    for (int step = 0; step < 20'000; ++step) {
        const std::uint64_t name = random() % 300;
        if (model.contains(name)) {
            REQUIRE(index.find(digest(name)) == model[name]);
            if (random() % 2 == 0) {
                index.erase(digest(name));
                model.erase(name);
            }
        } else {
            REQUIRE_FALSE(index.find(digest(name)).has_value());
            index.insert(digest(name), ++lsn);
            model[name] = lsn;
        }
        REQUIRE(index.size() == model.size());
    }
    for (const auto& [name, at] : model)
        CHECK(index.find(digest(name)) == at);
}
