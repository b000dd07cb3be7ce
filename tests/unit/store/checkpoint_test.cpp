#include "server/store/checkpoint.h"

#include <doctest/doctest.h>

#include <string>

#include "server/store/store_error.h"
#include "tests/support/memory_directory.h"

using namespace ticketd;
using namespace ticketd::store;
using tests::MemoryDirectory;

namespace {

constexpr StoreId kStore{'s', 'i', 'd'};
constexpr JournalPosition kPosition{2, 8192, 5, 3, 77};

LedgerState two_entries() {
    LedgerState state{kStore};
    Entry created;
    created.lsn = 1;
    created.time_ms = 1000;
    created.event_name = "demo";
    created.after = {5, 0, 0, 1, 1};
    state.apply(created);
    Entry sale;
    sale.type = EntryType::kPurchased;
    sale.lsn = 2;
    sale.time_ms = 2000;
    sale.after = {5, 0, 1, 2, 2};
    sale.requested = sale.min_quantity = sale.granted = sale.first_serial = 1;
    sale.key = "k";
    REQUIRE_FALSE(state.problem_with(sale).has_value());
    state.apply(sale);
    return state;
}

}  // namespace

TEST_CASE("a checkpoint comes back as it was written") {
    MemoryDirectory disk;
    const auto state = two_entries();
    write_checkpoint(disk, kStore, kPosition, Stop::kClean, state);
    const auto read = read_checkpoint(disk);
    CHECK(read.store == kStore);
    CHECK(read.position == kPosition);
    CHECK(read.stop == Stop::kClean);
    CHECK(read.state.last_lsn() == 2);
    CHECK(read.state.last_time_ms() == 2000);
    REQUIRE(read.state.events().size() == 1);
    CHECK(read.state.event(0).stock == state.event(0).stock);
    CHECK(read.state.find_event("demo") == 0);
    CHECK(read.state.keys().find(state.digest(0, "k")) == 2);
}

TEST_CASE("no bit of a checkpoint may flip and no byte may be missing") {
    MemoryDirectory disk;
    write_checkpoint(disk, kStore, kPosition, Stop::kRunning, two_entries());
    const auto bytes = disk.content("checkpoint");
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        auto flipped = bytes;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
        disk.set_content("checkpoint", flipped);
        CHECK_THROWS_AS(read_checkpoint(disk), StoreDamaged);
    }
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        disk.set_content("checkpoint", bytes.substr(0, size));
        CHECK_THROWS_AS(read_checkpoint(disk), StoreDamaged);
    }
}
