#include "server/store/key_index.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>

#include "tests/support/store_id.h"

using namespace ticketd;
using namespace ticketd::store;

TEST_CASE("keys of different users are different keys") {
    CHECK(key_digest(tests::kStoreId, 1, "a") == key_digest(tests::kStoreId, 1, "a"));
    CHECK(key_digest(tests::kStoreId, 1, "a") != key_digest(tests::kStoreId, 2, "a"));
    CHECK(key_digest(tests::kStoreId, 1, "a") != key_digest(tests::kStoreId, 1, "b"));
    CHECK(key_digest(tests::kStoreId, 1, "a") != key_digest(tests::kOtherStoreId, 1, "a"));
}

TEST_CASE("random inserts and erases agree with a map") {
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random{seed};
    KeyIndex index;
    std::map<std::uint64_t, Lsn> model;
    Lsn lsn = 0;
    // One shard and few distinct homes, the last slot among them, so that runs form and wrap
    // around the end.
    const auto digest = [](std::uint64_t name) {
        return KeyDigest{name, name % 7 * (UINT64_MAX / 6)};
    };
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

TEST_CASE("old keys are forgotten shard by shard, and their memory with them") {
    KeyIndex index;
    const auto digest = [](std::uint64_t name) {
        return key_digest(StoreId{'s'}, 1, std::to_string(name));
    };
    constexpr Lsn kKeys = 50'000, kFloor = 40'001;
    for (Lsn lsn = 1; lsn <= kKeys; ++lsn)
        index.insert(digest(lsn), lsn);
    for (std::size_t shard = 0; shard < KeyIndex::kShards; ++shard)
        index.forget_before(kFloor, shard);
    CHECK(index.size() == kKeys - kFloor + 1);
    for (Lsn lsn = 1; lsn <= kKeys; ++lsn) {
        const auto found = index.find(digest(lsn));
        REQUIRE(found == (lsn < kFloor ? std::nullopt : std::optional{lsn}));
    }
    index.insert(digest(1), kKeys + 1);
    CHECK(index.find(digest(1)) == kKeys + 1);
}

TEST_CASE("many keys at once are what one by one they would be, and none is taken twice") {
    std::vector<KeyItem> items;
    for (Lsn lsn = 1; lsn <= 5000; ++lsn)
        items.push_back({key_digest(StoreId{'s'}, 1, std::to_string(lsn)), lsn});
    std::sort(items.begin(), items.end(),
              [](const KeyItem& a, const KeyItem& b) { return a.digest < b.digest; });
    KeyIndex index;
    REQUIRE(index.insert_all(items));
    CHECK(index.size() == items.size());
    for (const auto& item : items)
        REQUIRE(index.find(item.digest) == item.lsn);
    const KeyItem again{items[4999].digest, 6000};
    CHECK_FALSE(index.insert_all({&again, 1}));
    CHECK(index.find(again.digest) == items[4999].lsn);
    CHECK(index.size() == items.size());
    const KeyItem first{items[0].digest, 6000};
    CHECK_FALSE(index.insert_all({&first, 1}));
    CHECK(index.insert_all({}));
}

TEST_CASE("an index with room reserved holds what one that grew holds") {
    KeyIndex index;
    index.reserve(5000);
    for (std::uint64_t name = 1; name <= 20'000; ++name)
        index.insert(key_digest(StoreId{'s'}, 1, std::to_string(name)), name);
    for (std::uint64_t name = 1; name <= 20'000; ++name)
        REQUIRE(index.find(key_digest(StoreId{'s'}, 1, std::to_string(name))) == name);
    CHECK(index.size() == 20'000);
}
