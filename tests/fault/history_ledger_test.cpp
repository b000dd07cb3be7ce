// The checker itself: right histories pass, and each way to be wrong is found. A checker that
// cannot fail proves nothing. Here: the ledger, and answers that are not what it says.
#include "tests/fault/history_verdict.h"

namespace ticketd::testing {
namespace {

TEST_SUITE_BEGIN("history");

TEST_CASE("a right history is accepted") {
    Scene scene;
    scene.query("demo");
    scene.create("demo", 5);
    scene.buy("demo", 2, "a");
    scene.buy("demo", 2, "a");
    scene.buy("demo", 1, "a");
    scene.list_events();
    scene.buy("demo", 4, "b", 1);
    scene.buy("demo", 1, "c");
    scene.resize("demo", 4);
    scene.resize("demo", 6);
    scene.buy("demo", 1, "c");
    scene.look_up("a");
    scene.look_up("c");
    scene.abandon("d");
    scene.buy("demo", 1, "d");
    scene.die();
    scene.buy("demo", 1, "c");
    scene.buy("demo", 9);
    check_accepted(scene);
    CHECK(scene.entries.size() == 6);
}

TEST_CASE("a sale that was acknowledged and is not in the ledger is found") {
    Scene scene;
    scene.create("demo", 5);
    scene.buy("demo", 1, "a");
    scene.entries.pop_back();
    check_rejected(scene, "acknowledged, but not in the ledger");
}

TEST_CASE("another sale in place of the acknowledged one is found") {
    Scene scene;
    scene.create("demo", 5);
    scene.buy("demo", 1, "a");
    scene.entries.back().key = "b";
    check_rejected(scene, "the ledger has another request there");
}

TEST_CASE("a ledger that sells more than there is, is found") {
    Scene scene;
    scene.create("demo", 2);
    scene.buy("demo", 2, "a");
    scene.create("other", 5);
    scene.buy("other", 1, "b");
    auto& sale = scene.entries.back();
    sale.event = 0;
    sale.capacity = 2;
    sale.sold = 3;
    sale.first_serial = 3;
    sale.next_serial = 4;
    check_rejected(scene, "oversold");
    sale.sold = 2;
    check_rejected(scene, "a sale of more than there was");
}

TEST_CASE("a serial that is sold twice is found") {
    Scene scene;
    scene.create("demo", 5);
    scene.buy("demo", 1, "a");
    scene.buy("demo", 1, "b");
    auto& sale = scene.entries.back();
    sale.first_serial = 1;
    sale.next_serial = 2;
    scene.op(2).told.serials = {1};
    check_rejected(scene, "serials that do not follow");
}

TEST_CASE("counts that leak a ticket are found") {
    Scene scene;
    scene.create("demo", 5);
    scene.buy("demo", 1, "a");
    scene.entries.back().sold = 2;
    check_rejected(scene, "counts that do not follow from the sale");
}

TEST_CASE("a ledger that sells less than it could is found") {
    Scene scene;
    scene.create("demo", 5);
    scene.buy("demo", 3, "a", 1);
    auto& sale = scene.entries.back();
    sale.granted = 2;
    sale.sold = 2;
    sale.next_serial = 3;
    check_rejected(scene, "a sale of less than there was");
}

TEST_CASE("a resize that changes sales, and time that runs backwards, are found") {
    Scene scene;
    scene.create("demo", 5);
    scene.buy("demo", 1, "a");
    scene.resize("demo", 9);
    scene.entries.back().sold = 0;
    check_rejected(scene, "a resize that changed more than the capacity");
    scene.entries.back().sold = 1;
    scene.entries[1].time_ms = 100;
    check_rejected(scene, "before that of the one before");
}

TEST_CASE("a sale of what was not for sale is found") {
    Scene scene;
    scene.create("demo", 5);
    scene.resize("demo", 5);
    scene.buy("demo", 1, "a");
    auto& change = scene.entries[1];
    change.type = RawType::kEventPaused;
    change.state = 2;
    check_rejected(scene, "a sale while the event was paused or closed");
    change.type = RawType::kEventClosed;
    check_rejected(scene, "rules that do not follow");
    change.state = 3;
    check_rejected(scene, "a sale while the event was paused or closed");
    change.type = RawType::kEventUpdated;
    change.state = 1;
    check_rejected(scene, "rules that do not follow");
    change.opens_ms = 1000;
    check_rejected(scene, "a sale before the event opened");
    change.opens_ms = 0;
    change.closes_ms = scene.entries[2].time_ms;
    if (change.closes_ms == 0) change.closes_ms = scene.entries[2].time_ms = 1;
    check_rejected(scene, "a sale after the event closed");
    change.sold = 1;
    check_rejected(scene, "rules that changed counts");
}

TEST_CASE("a gap in the LSNs is found") {
    Scene scene;
    scene.create("demo", 5);
    scene.buy("demo", 1, "a");
    scene.entries.back().lsn = 3;
    check_rejected(scene, "LSN out of order");
}

TEST_CASE("one sale told to two as theirs is found") {
    Scene scene;
    scene.create("demo", 5);
    scene.buy("demo", 1);
    auto copy = scene.op(1);
    copy.number = 2;
    copy.invoked_ns += 10;
    copy.ended_ns += 10;
    scene.history.ops.push_back(copy);
    check_rejected(scene, "and so was");
}

TEST_CASE("a refusal with enough left is found") {
    Scene scene;
    scene.create("demo", 5);
    scene.buy("demo", 5, "a");
    const auto refused = scene.buy("demo", 1, "b");
    scene.resize("demo", 9);
    check_accepted(scene);
    // Told so of the state that the resize left.
    auto& told = scene.op(refused).told;
    told.lsn = 3;
    told.capacity = 9;
    told.available = 4;
    check_rejected(scene, "undersell");
    told.available = 0;
    check_rejected(scene, "refused with counts that are not those at its LSN");
}

TEST_CASE("a refusal of the wrong kind, for a wrong quantity or with no known reason is found") {
    Scene scene;
    scene.create("demo", 5);
    scene.buy("demo", 5, "a");
    const auto refused = scene.buy("demo", 1, "b");
    scene.op(refused).told.refusal = "insufficient";
    check_rejected(scene, "refused as insufficient, not as sold_out");
    scene.op(refused).told.refusal = "sold_out";
    scene.op(refused).told.requested = 2;
    check_rejected(scene, "refused for another quantity");
    scene.op(refused).told.refusal = "internal";
    check_rejected(scene, "which nothing explains");
}

TEST_CASE("counts, and an LSN, that the ledger does not have are found") {
    Scene scene;
    scene.create("demo", 5);
    scene.create("other", 5);
    const auto query = scene.query("demo");
    scene.op(query).told.counts[0].sold = 1;
    check_rejected(scene, "counts that are not those at its LSN");
    scene.op(query).told.counts[0].sold = 0;
    scene.op(query).told.counts[0].lsn = 2;
    check_rejected(scene, "rests on an LSN that is no change of the event");
    scene.op(query).told.counts[0].lsn = 3;
    check_rejected(scene, "rests on an LSN that is no change of the event");
}

TEST_CASE("a resize that is refused or told wrongly is found") {
    Scene scene;
    scene.create("demo", 5);
    scene.buy("demo", 3, "a");
    const auto refused = scene.resize("demo", 2);
    const auto done = scene.resize("demo", 3);
    check_accepted(scene);
    auto wrong = scene;
    wrong.op(refused).capacity = wrong.op(refused).told.requested = 3;
    check_rejected(wrong, "refused without a reason");
    wrong = scene;
    wrong.op(done).capacity = 4;
    check_rejected(wrong, "the ledger has another change there");
}

TEST_CASE("a slot that does not say what the journal ends with is found") {
    Scene scene;
    scene.create("demo", 5);
    scene.buy("demo", 2, "a");
    const RawSlot right{1, 2, 5, 3, 0, 2, 3, "demo"};
    CHECK(check_slots(scene.entries, {right}).empty());
    CHECK_FALSE(check_slots(scene.entries, {}).empty());
    CHECK_FALSE(check_slots(scene.entries, {right, right}).empty());
    for (auto member : {&RawSlot::lsn, &RawSlot::capacity, &RawSlot::available, &RawSlot::held,
                        &RawSlot::sold, &RawSlot::next_serial}) {
        auto wrong = right;
        wrong.*member += 1;
        CHECK_FALSE(check_slots(scene.entries, {wrong}).empty());
    }
    auto wrong = right;
    wrong.name = "other";
    CHECK_FALSE(check_slots(scene.entries, {wrong}).empty());
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
