#include "server/store/checkpoint.h"

#include <doctest/doctest.h>

#include <string>

#include "common/limits.h"
#include "server/store/store_error.h"
#include "tests/support/memory_directory.h"
#include "tests/support/store_id.h"

using namespace ticketd;
using namespace ticketd::store;
using box_office::SaleState;
using tests::MemoryDirectory;

namespace {

Checkpoint some_checkpoint() {
    Checkpoint checkpoint;
    checkpoint.store = tests::kStoreId;
    checkpoint.position = {4, 8192, 5, 30, 77};
    checkpoint.stop = Stop::kClean;
    checkpoint.last_time_ms = 2000;
    checkpoint.first_key_run = 3;
    checkpoint.key_floor = {20, 1500};
    checkpoint.events = {{"demo", {5, 0, 1, 2, 29}},
                         {"other", {7, 2, 3, 9, 4}, {SaleState::kPaused, {1000, 3000}}}};
    checkpoint.holds = {
        {22, {1, 7, 1, 1800, 1900, 1960, {}, 25, {5, 6}}},
        {28, {1, 8, 1, 1950, 1950, 0, {box_office::Bind::kProcess, 77, 123}, 28, {7, 8}}},
        {29, {2, 8, 2, 1940, 1950, 0, {}, 29, {7, 8}, {2, 4}}}};
    checkpoint.events.push_back({"slots", {2, 2, 1, 9, 29, 1}});
    checkpoint.events[2].rules.terms.reuses_numbers = true;
    checkpoint.events[2].rules.terms.buyer_limit = 3;
    checkpoint.events[2].slots.take({2, 3, 4});
    checkpoint.buyers.add({0, {1, 2}}, 1);
    checkpoint.buyers.add({1, {5, 6}}, 4);
    checkpoint.buyers.add({1, {7, 8}}, 1);
    checkpoint.buyers.add({2, {7, 8}}, 3);
    return checkpoint;
}

/// Whether a checkpoint that was written so is read, or refused.
bool is_read(const Checkpoint& checkpoint) {
    MemoryDirectory disk;
    REQUIRE_FALSE(write_checkpoint(disk, checkpoint));
    try {
        read_checkpoint(disk);
        return true;
    } catch (const StoreDamaged&) {
        return false;
    }
}

}  // namespace

TEST_CASE("a checkpoint comes back as it was written") {
    MemoryDirectory disk;
    const auto written = some_checkpoint();
    REQUIRE_FALSE(write_checkpoint(disk, written));
    const auto read = read_checkpoint(disk);
    CHECK(read.store == written.store);
    CHECK(read.position == written.position);
    CHECK(read.stop == written.stop);
    CHECK(read.last_time_ms == written.last_time_ms);
    CHECK(read.first_key_run == written.first_key_run);
    CHECK(read.key_floor.lsn == written.key_floor.lsn);
    CHECK(read.key_floor.time_ms == written.key_floor.time_ms);
    REQUIRE(read.events.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(read.events[i] == written.events[i]);
    }
    CHECK(read.holds == written.holds);
    CHECK(read.buyers == written.buyers);
}

TEST_CASE("no bit of a checkpoint may flip and no byte may be missing") {
    MemoryDirectory disk;
    REQUIRE_FALSE(write_checkpoint(disk, some_checkpoint()));
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

TEST_CASE("a checkpoint that contradicts itself is refused, though its checksum holds") {
    const auto is_refused = [](auto change) {
        auto checkpoint = some_checkpoint();
        change(checkpoint);
        return !is_read(checkpoint);
    };
    CHECK(is_refused([](Checkpoint& c) { c.position.lsn = 0; }));
    CHECK(is_refused([](Checkpoint& c) { c.position.offset = 5000; }));
    CHECK(is_refused([](Checkpoint& c) { c.key_floor.lsn = 31; }));
    CHECK(is_refused([](Checkpoint& c) { c.key_floor.time_ms = 2001; }));
    CHECK(is_refused([](Checkpoint& c) { c.first_key_run = 6; }));
    CHECK(is_refused([](Checkpoint& c) { c.events[0].stock.sold = 6; }));
    CHECK(is_refused([](Checkpoint& c) { c.events[0].stock.lsn = 30; }));
    CHECK(is_refused([](Checkpoint& c) { c.events[0].name = "no name"; }));
    CHECK(is_refused([](Checkpoint& c) { c.events[1].rules.window.closes_ms = 1000; }));
    CHECK(is_refused([](Checkpoint& c) { c.events[1].rules.window.opens_ms = -1; }));
    CHECK(is_refused([](Checkpoint& c) { c.events[1].rules.state = SaleState{4}; }));
    CHECK(is_refused([](Checkpoint& c) { c.events[1].rules.state = SaleState{0}; }));
    CHECK(is_refused([](Checkpoint& c) { c.holds.erase(22); }));
    CHECK(is_refused([](Checkpoint& c) { c.holds[22].event = 2; }));
    CHECK(is_refused([](Checkpoint& c) { c.holds[22].event = 0; }));
    CHECK(is_refused([](Checkpoint& c) { c.holds[22].quantity = 2; }));
    CHECK(is_refused([](Checkpoint& c) { c.holds[22].expires_ms = 1899; }));
    CHECK(is_refused([](Checkpoint& c) { c.holds[22].last = 21; }));
    CHECK(is_refused([](Checkpoint& c) { c.holds[22].last = 30; }));
    CHECK(is_refused([](Checkpoint& c) { c.holds[28].binding.pid = 0; }));
    CHECK(is_refused([](Checkpoint& c) { c.holds[28].binding.bind = box_office::Bind{3}; }));
    CHECK(is_refused([](Checkpoint& c) { c.holds[0] = c.holds.extract(22).mapped(); }));
    CHECK(is_refused([](Checkpoint& c) { c.holds[29].slots = {1, 4}; }));
    CHECK(is_refused([](Checkpoint& c) { c.holds[29].slots = {2}; }));
    CHECK(is_refused([](Checkpoint& c) { c.holds[22].slots = {2}; }));
    CHECK(is_refused([](Checkpoint& c) { c.events[2].slots.take({7}); }));
    CHECK(is_refused([](Checkpoint& c) { c.events[2].stock.overcommit = 2; }));
    CHECK(is_refused([](Checkpoint& c) { c.events[2].rules.terms.reuses_numbers = false; }));
    CHECK(is_refused([](Checkpoint& c) { c.buyers.add({1, {7, 8}}, 1); }));
    CHECK(is_refused([](Checkpoint& c) { c.buyers.add({1, {7, 8}}, -1); }));
    CHECK(is_refused([](Checkpoint& c) { c.buyers.add({3, {7, 8}}, 1); }));
    CHECK_FALSE(is_refused([](Checkpoint&) {}));
}

TEST_CASE("a checkpoint is refused once its numbers are half way to the end of their range") {
    const auto starts_at = [](auto change, std::uint64_t number) {
        auto checkpoint = some_checkpoint();
        checkpoint.last_time_ms = static_cast<std::int64_t>(limits::kCounterAtStart);
        change(checkpoint, number);
        return is_read(checkpoint);
    };
    const auto has_end = [&](auto change, std::uint64_t last) {
        CHECK(starts_at(change, last));
        for (const auto number : {last + 1, std::uint64_t{1} << 62, std::uint64_t{1} << 63,
                                  ~std::uint64_t{0} - 1, ~std::uint64_t{0}}) {
            CHECK_FALSE(starts_at(change, number));
        }
    };
    using Number = std::uint64_t;
    has_end([](Checkpoint& c, Number n) { c.position.lsn = n; }, limits::kCounterAtStart);
    has_end([](Checkpoint& c, Number n) { c.position.group = n; }, limits::kCounterAtStart);
    has_end([](Checkpoint& c, Number n) { c.position.segment = n; }, limits::kCounterAtStart);
    has_end([](Checkpoint& c, Number n) { c.events[0].stock.next_serial = n; },
            limits::kCounterAtStart);
    has_end([](Checkpoint& c, Number n) { c.events[0].stock.capacity = n; }, limits::kCapacity);
    has_end([](Checkpoint& c, Number n) { c.last_time_ms = static_cast<std::int64_t>(n); },
            limits::kCounterAtStart);
    has_end([](Checkpoint& c, Number n) { c.key_floor.time_ms = static_cast<std::int64_t>(n); },
            limits::kCounterAtStart);
}
