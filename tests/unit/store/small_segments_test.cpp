// Stores with the smallest segments there can be: they switch every few groups.
#include <doctest/doctest.h>

#include <variant>

#include "server/store/audit.h"
#include "tests/support/store_rig.h"

using namespace ticketd;
using namespace ticketd::store;
using tests::StoreRig;

TEST_CASE("the smallest segments sell and switch, one entry or many in a group") {
    StoreRig rig{std::make_unique<tests::MemoryDirectory>(),
                 {.segment_bytes = limits::kSegmentBytesMin}};
    const auto demo = rig.create("demo", 10'000);
    REQUIRE(rig.settle() == StoreRig::Settled::kDurable);
    for (int group = 0; group < 60; ++group) {
        for (int i = 0; i <= group % 3 * 20; ++i) {
            const auto result = rig.buy(demo);
            if (std::holds_alternative<Changed>(result)) continue;
            // As many as there is room for; with none at all the sync thread is about to make some.
            REQUIRE(std::get<Refused>(result).refusal.kind == ErrorKind::kStorageFull);
            if (i > 0) break;
            --i;
        }
        REQUIRE(rig.settle() == StoreRig::Settled::kDurable);
    }
    CHECK(rig.disk().exists("journal-0000000006"));
    const auto lsn = rig.store().durable_lsn();
    StoreRig again{rig.crash(tests::Unsynced::kLost), {.segment_bytes = limits::kSegmentBytesMin}};
    CHECK(again.store().state().last_lsn() == lsn);
    const auto at_rest = again.close();
    CHECK(audit_store(*at_rest).ok());
}
