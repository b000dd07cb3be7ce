#include "server/store/order_run.h"

#include <doctest/doctest.h>

#include <map>
#include <random>

#include "server/store/order_index.h"
#include "server/store/store_error.h"
#include "tests/support/memory_directory.h"
#include "tests/support/randomness.h"
#include "tests/support/store_id.h"

using namespace ticketd;
using namespace ticketd::store;
using tests::kStoreId;
using tests::MemoryDirectory;

namespace {

std::vector<OrderItem> items_of(const std::map<Lsn, Lsn>& changed) {
    std::vector<OrderItem> items;
    for (const auto& [order, newest] : changed)
        items.push_back({order, newest});
    return items;
}

void write(MemoryDirectory& disk, std::uint64_t segment, const std::map<Lsn, Lsn>& changed) {
    const auto before = open_order_runs(disk, kStoreId, segment - 1);
    REQUIRE_FALSE(write_order_run(disk, kStoreId, segment, items_of(changed), before));
}

}  // namespace

TEST_CASE("runs together cover every segment once") {
    for (std::uint64_t segment = 0; segment <= 300; ++segment) {
        std::uint64_t covered = segment;
        for (const auto run : order_runs_up_to(segment)) {
            CHECK(run == covered);
            covered -= run & (~run + 1);
        }
        CHECK(covered == 0);
        CHECK(order_runs_up_to(segment).size() <= 9);
    }
}

// The model: a map that is never split over files.
TEST_CASE("random changes of orders over many segments are found where they were made last") {
    const auto seed = testing::test_seed();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    MemoryDirectory disk;
    std::map<Lsn, Lsn> newest;
    Lsn lsn = 1;
    for (std::uint64_t segment = 1; segment <= 40; ++segment) {
        std::map<Lsn, Lsn> changed;
        const auto changes = random() % 3 == 0 ? 0 : random() % 700;
        for (std::uint64_t i = 0; i < changes; ++i) {
            ++lsn;
            changed[1 + random() % lsn] = newest[1 + random() % lsn];
        }
        for (auto& [order, last] : changed)
            last = newest[order] = ++lsn;
        write(disk, segment, changed);
        const auto runs = open_order_runs(disk, kStoreId, segment);
        CHECK(runs.size() == order_runs_up_to(segment).size());
        for (int look = 0; look < 50; ++look) {
            const auto order = random() % (lsn + 2);
            const auto known = newest.find(order);
            const auto expected = known == newest.end() || known->second == 0
                                      ? std::map<Lsn, Lsn>{}
                                      : std::map<Lsn, Lsn>{*known};
            CHECK(find_newest(runs, order, order) == expected);
        }
    }
}

TEST_CASE("blocks that are just full, and an empty run, are read as they were written") {
    for (const Lsn count : {0U, 1U, 254U, 255U, 256U, 510U, 511U}) {
        CAPTURE(count);
        MemoryDirectory disk;
        std::map<Lsn, Lsn> changed;
        for (Lsn order = 1; order <= count; ++order)
            changed[2 * order] = 10'000 + order;
        write(disk, 1, changed);
        const auto run = OrderRun::open(disk, kStoreId, 1);
        CHECK(run->items() == count);
        for (Lsn order = 1; order <= count; ++order) {
            CHECK(run->find(2 * order, 2 * order) ==
                  std::vector{OrderItem{2 * order, 10'000 + order}});
            CHECK(run->find(2 * order + 1, 2 * order + 1).empty());
        }
        CHECK(run->find(1, 1).empty());
        CHECK(run->find(1, 2 * count).size() == count);
        CHECK(run->find(200, 209).size() == (count < 100 ? 0U : std::min<Lsn>(count - 99, 5)));
    }
}

TEST_CASE("no bit of an order run may flip, and no byte may be missing") {
    MemoryDirectory disk;
    std::map<Lsn, Lsn> changed;
    for (Lsn order = 1; order <= 300; ++order)
        changed[order] = 1000 + order;
    write(disk, 1, changed);
    const auto bytes = disk.content("orders-0000000001");
    const auto is_refused = [&](const std::string& content) {
        disk.set_content("orders-0000000001", content);
        try {
            const auto run = OrderRun::open(disk, kStoreId, 1);
            for (std::uint64_t block = 0; block < run->blocks(); ++block)
                run->read_block(block);
            return false;
        } catch (const StoreDamaged&) {
            return true;
        }
    };
    CHECK_FALSE(is_refused(bytes));
    std::mt19937_64 random{testing::test_seed()};
    for (std::size_t byte = 0; byte < bytes.size(); ++byte) {
        auto flipped = bytes;
        flipped[byte] = static_cast<char>(flipped[byte] ^ (1 << random() % 8));
        REQUIRE(is_refused(flipped));
    }
    for (std::size_t size = 0; size < bytes.size(); size += 7)
        REQUIRE(is_refused(bytes.substr(0, size)));
    CHECK(is_refused(bytes + std::string(4096, '\0')));
    auto other = kStoreId;
    other[0] ^= 1;
    disk.set_content("orders-0000000001", bytes);
    CHECK_THROWS_AS(OrderRun::open(disk, other, 1), StoreDamaged);
    disk.set_content("orders-0000000002", bytes);
    CHECK_THROWS_AS(OrderRun::open(disk, kStoreId, 2), StoreDamaged);
    CHECK_THROWS_AS(OrderRun::open(disk, kStoreId, 3), StoreDamaged);
}

TEST_CASE("a change that is taken back leads to the one before, wherever that is") {
    MemoryDirectory disk;
    write(disk, 1, {{3, 8}});
    OrderIndex index{open_order_runs(disk, kStoreId, 1)};
    index.covered(10, open_order_runs(disk, kStoreId, 1));
    const auto newest = [&](Lsn order) { return newest_entry(index.look_up(order)); };
    CHECK(newest(3) == 8);
    CHECK(newest(4) == 4);
    index.changed(3, 11);
    index.changed(4, 12);
    index.changed(4, 13);
    CHECK(newest(3) == 11);
    CHECK(newest(4) == 13);
    index.take_back(4, 12);
    CHECK(newest(4) == 12);
    index.take_back(4, 4);
    index.take_back(3, 8);
    CHECK(newest(4) == 4);
    CHECK(newest(3) == 8);
}

TEST_CASE("what runs cover is forgotten, and what came behind them is not") {
    MemoryDirectory disk;
    OrderIndex index;
    index.changed(1, 5);
    index.changed(2, 6);
    index.changed(1, 7);
    write(disk, 1, {{1, 5}, {2, 6}});
    index.covered(6, open_order_runs(disk, kStoreId, 1));
    CHECK(index.look_up(1).newest == 7);
    CHECK(index.look_up(2).newest == 0);
    CHECK(newest_entry(index.look_up(2)) == 6);
}
