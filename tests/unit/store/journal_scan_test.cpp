#include "server/store/journal_scan.h"

#include <doctest/doctest.h>

#include <string>

#include "server/store/checkpoint.h"
#include "server/store/store_error.h"
#include "tests/support/store_rig.h"

using namespace ticketd;
using namespace ticketd::store;
using tests::MemoryDirectory;
using tests::StoreRig;

namespace {

/// Two segments after an unclean stop, the first left full.
std::unique_ptr<MemoryDirectory> two_segments() {
    StoreRig rig;
    const auto demo = rig.create("demo", 1'000'000);
    rig.fill_segment(demo);
    rig.buy(demo);
    rig.settle();
    return rig.crash(tests::Unsynced::kLost);
}

/// The last LSN that is read from the first segment on.
Lsn read(MemoryDirectory& disk, Reading reading) {
    const auto store = read_checkpoint(disk).store;
    LedgerState state{store, kNoKeys};
    JournalPosition position{0, kBlockBytes, 1, 1, 0};
    read_journal(disk, store, position, state, {}, {}, reading);
    return state.last_lsn();
}

}  // namespace

TEST_CASE("a segment begun after the segments were counted is damage at rest, not in use") {
    const auto disk = two_segments();
    const auto all = read(*disk, Reading::kAtRest);
    CHECK(read(*disk, Reading::kInUse) == all);
    disk->erase(segment_name(2));
    CHECK_THROWS_AS(read(*disk, Reading::kAtRest), StoreDamaged);
    CHECK(read(*disk, Reading::kInUse) == all - 2);
}

TEST_CASE("groups that are being written are damage at rest, not in use") {
    const auto disk = two_segments();
    auto bytes = disk->content(segment_name(2));
    REQUIRE(bytes.size() > 3 * kBlockBytes);
    bytes[kBlockBytes + 70] ^= 1;  // the first of its groups is half written, the second is there
    disk->set_content(segment_name(2), bytes);
    CHECK_THROWS_AS(read(*disk, Reading::kAtRest), StoreDamaged);
    CHECK(read(*disk, Reading::kInUse) > 0);
}

TEST_CASE("progress is told for each segment") {
    const auto disk = two_segments();
    const auto store = read_checkpoint(*disk).store;
    LedgerState state{store, kNoKeys};
    JournalPosition position{0, kBlockBytes, 1, 1, 0};
    std::uint64_t told = 0;
    read_journal(*disk, store, position, state, {},
                 [&](const std::string&, std::uint64_t done, std::uint64_t total) {
                     CHECK(done == told++);
                     CHECK(total == 2);
                 });
    CHECK(told == 2);
}
