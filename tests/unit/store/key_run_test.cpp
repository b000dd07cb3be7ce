#include "server/store/key_run.h"

#include <doctest/doctest.h>

#include <string>

#include "server/store/store_error.h"
#include "tests/support/memory_directory.h"
#include "tests/support/store_id.h"

using namespace ticketd;
using namespace ticketd::store;
using tests::MemoryDirectory;

namespace {

KeyRun some_run() {
    return {3, 50, 2000, {{{1, 2}, 41}, {{1, 3}, 40}, {{9, 0}, 49}}};
}

bool is_refused(MemoryDirectory& disk, const StoreId& store, std::uint64_t segment) {
    try {
        read_key_run(disk, store, segment);
        return false;
    } catch (const StoreDamaged&) {
        return true;
    }
}

}  // namespace

TEST_CASE("a key run comes back as it was written") {
    MemoryDirectory disk;
    REQUIRE_FALSE(write_key_run(disk, tests::kStoreId, some_run()));
    const auto run = read_key_run(disk, tests::kStoreId, 3);
    CHECK(run.segment == 3);
    CHECK(run.end_lsn == 50);
    CHECK(run.newest_ms == 2000);
    REQUIRE(run.items.size() == 3);
    CHECK(run.items[2].digest == KeyDigest{9, 0});
    CHECK(run.items[2].lsn == 49);
}

TEST_CASE("no bit of a key run may flip and no byte may be missing") {
    MemoryDirectory disk;
    REQUIRE_FALSE(write_key_run(disk, tests::kStoreId, some_run()));
    const auto name = key_run_name(3);
    const auto bytes = disk.content(name);
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        auto flipped = bytes;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
        disk.set_content(name, flipped);
        CHECK(is_refused(disk, tests::kStoreId, 3));
    }
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        disk.set_content(name, bytes.substr(0, size));
        CHECK(is_refused(disk, tests::kStoreId, 3));
    }
}

TEST_CASE("a key run of another store or segment, or one that contradicts itself, is refused") {
    MemoryDirectory disk;
    REQUIRE_FALSE(write_key_run(disk, tests::kStoreId, some_run()));
    CHECK(is_refused(disk, StoreId{'o'}, 3));
    CHECK(is_refused(disk, tests::kStoreId, 4));
    disk.set_content(key_run_name(4), disk.content(key_run_name(3)));
    CHECK(is_refused(disk, tests::kStoreId, 4));
    auto unsorted = some_run();
    std::swap(unsorted.items[0], unsorted.items[1]);
    REQUIRE_FALSE(write_key_run(disk, tests::kStoreId, unsorted));
    CHECK(is_refused(disk, tests::kStoreId, 3));
    auto too_new = some_run();
    too_new.items[0].lsn = 50;
    REQUIRE_FALSE(write_key_run(disk, tests::kStoreId, too_new));
    CHECK(is_refused(disk, tests::kStoreId, 3));
}
