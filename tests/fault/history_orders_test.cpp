// The checker itself: holds, what becomes of orders, and atomic batches.
#include <functional>

#include "tests/fault/history_verdict.h"

namespace ticketd::testing {
namespace {

Op order_with_key(Deed deed, const std::string& event, std::uint64_t quantity,
                  const std::string& key) {
    auto op = new_op(deed, event);
    op.uid = 7;
    op.quantity = op.min_quantity = quantity;
    op.key = key;
    if (deed == Deed::kHold) op.ttl_ms = 1000;
    return op;
}

// An event, a hold of 3 (entry 2), of which 2 are sold then (entry 3), of which 1 returns (4).
Scene one_order() {
    Scene scene;
    scene.create("demo", 5);
    scene.hold("demo", 3, "a");
    scene.change(Deed::kConfirm, 2, "b", 2);
    scene.change(Deed::kCancel, 2, "c", 1);
    return scene;
}

Scene one_batch() {
    Scene scene;
    scene.create("demo", 5);
    scene.create("other", 5);
    scene.perform_atomically({order_with_key(Deed::kPurchase, "demo", 2, "a"),
                              order_with_key(Deed::kHold, "other", 1, "b")});
    return scene;
}

TEST_SUITE_BEGIN("history");

TEST_CASE("a right history of holds and what became of them is accepted") {
    auto scene = one_order();
    for (const auto deed : {Deed::kConfirm, Deed::kRelease, Deed::kExtend})
        scene.change(deed, 2);
    scene.change(Deed::kCancel, 2, "d", 2);
    scene.change(Deed::kCancel, 2, "c", 1);
    scene.look_up("a");
    scene.look_up("c");
    scene.abandon("b");
    scene.hold("demo", 1);
    scene.change(Deed::kExtend, 5);
    scene.change(Deed::kRelease, 5);
    scene.hold("demo", 4);
    scene.buy("demo", 1, "e");
    scene.expire(8);
    scene.change(Deed::kRelease, 8, "f");
    scene.change(Deed::kCancel, 99);
    scene.query("demo");
    check_accepted(scene);
    CHECK(scene.entries.size() == 9);
}

TEST_CASE("answers about an order that the ledger does not give are found") {
    const auto spoiled = [](std::size_t op, const std::function<void(Told&)>& spoil,
                            const std::string& text) {
        auto scene = one_order();
        scene.look_up("a");
        spoil(scene.op(op).told);
        check_rejected(scene, text);
    };
    spoiled(1, [](Told& told) { told.state = "sold"; }, "another state");
    spoiled(2, [](Told& told) { told.serials = {1, 3}; }, "other serials");
    spoiled(2, [](Told& told) { told.granted = 3; }, "another number of tickets");
    spoiled(2, [](Told& told) { told.order = 3; }, "an order whose number is not its LSN");
    spoiled(3, [](Told& told) { told.returned = {1}; }, "other tickets returned");
    spoiled(3, [](Told& told) { told.available = 5; }, "another number of tickets left");
    spoiled(3, [](Told& told) { told.lsn = 3; }, "the ledger has another request there");
    spoiled(4, [](Told& told) { told.lsn = 3; }, "another number of tickets");
    spoiled(4, [](Told& told) { told.state = "cancelled"; }, "another state");
}

TEST_CASE("an order that is shown as it was before somebody else was told more is found") {
    auto scene = one_order();
    const auto shown = scene.look_up("b");
    scene.change(Deed::kCancel, 2, "d");
    check_accepted(scene);
    scene.op(shown).invoked_ns = scene.now_ns;
    scene.op(shown).ended_ns = scene.now_ns + 1;
    check_rejected(scene, "saw the ledger as it was up to 4, but entry 5 was there");
}

TEST_CASE("a ledger in which tickets return twice, or are sold twice, is found") {
    auto scene = one_order();
    scene.entries[3].sold = 2;
    check_rejected(scene, "counts that do not follow from the cancellation");
    scene = one_order();
    scene.entries[3].returned = {3};
    check_rejected(scene, "tickets that are not the order's");
    scene = one_order();
    scene.entries[2].held = 1;
    check_rejected(scene, "counts that do not follow from what became of the hold");
    scene = one_order();
    scene.hold("demo", 1);
    scene.change(Deed::kRelease, 5);
    scene.entries[5].order = 2;
    check_rejected(scene, "a hold that is none");
}

TEST_CASE("a hold that ends before its time, or by nobody's wish, is found") {
    Scene scene;
    scene.create("demo", 5);
    scene.hold("demo", 3, "a");
    scene.expire(2);
    check_accepted(scene);
    auto early = scene;
    early.entries[2].time_ms -= 500;
    check_rejected(early, "a hold that expired before its time");
    scene.entries[2].type = RawType::kReleased;
    check_rejected(scene, "entry 3: nobody asked for it");
    scene.entries[1].bind = 1;
    scene.op(1).is_bound = true;
    check_accepted(scene);
}

TEST_CASE("a change of an order that was refused without a reason is found") {
    auto scene = one_order();
    const auto refused = scene.change(Deed::kRelease, 2, "d");
    scene.op(refused).told.lsn = 2;
    check_rejected(scene, "refused, though the order is held");
    scene.op(refused).told.lsn = 4;
    scene.op(refused).told.refusal = "hold_expired";
    check_rejected(scene, "refused as hold_expired, though the order is sold");
    scene.op(refused).told.refusal = "not_found";
    check_rejected(scene, "saw the ledger as it was up to 1");
    scene = one_order();
    const auto too_many = scene.change(Deed::kCancel, 2, "d", 2);
    check_accepted(scene);
    scene.op(too_many).quantity = 1;
    check_rejected(scene, "refused, though the order has so many");
}

TEST_CASE("an atomic batch that was done by half is found") {
    check_accepted(one_batch());
    auto scene = one_batch();
    scene.lose_answer(3);
    check_rejected(scene, "an atomic batch that was answered in part");
    scene.lose_answer(2);
    check_accepted(scene);
    scene.entries.pop_back();
    check_rejected(scene, "a part of an atomic batch");

    scene = one_batch();
    scene.perform_atomically({order_with_key(Deed::kPurchase, "demo", 2, "c"),
                              order_with_key(Deed::kPurchase, "demo", 2, "d")});
    check_accepted(scene);
    CHECK(scene.op(4).told.refusal == "linked_failed");
    CHECK(scene.op(5).told.refusal == "insufficient");
    scene.op(4).told = scene.op(5).told;
    check_rejected(scene, "an atomic batch that failed twice");
    scene.op(4).told = {};
    scene.op(4).told.refusal = "busy";
    check_rejected(scene, "a part of an atomic batch for later");
}

TEST_CASE("an atomic batch with something else in between is found") {
    auto scene = one_batch();
    scene.buy("demo", 1, "c");
    std::swap(scene.entries[3], scene.entries[4]);
    scene.entries[3].lsn = scene.op(4).told.lsn = scene.op(4).told.order = 4;
    scene.entries[4].lsn = scene.op(3).told.lsn = scene.op(3).told.order = 5;
    scene.op(4).invoked_ns = scene.op(3).invoked_ns;
    check_rejected(scene, "an atomic batch with something in between");
}

TEST_CASE("a hold that ends while an atomic batch is decided is nobody in between") {
    Scene scene;
    for (const auto* event : {"demo", "other", "third"})
        scene.create(event, 5);
    scene.hold("third", 1, "a");
    scene.perform_atomically({order_with_key(Deed::kPurchase, "demo", 2, "b"),
                              order_with_key(Deed::kPurchase, "other", 2, "c")});
    scene.expire(4);
    auto& last_sale = scene.entries[5];
    auto& end = scene.entries[6];
    last_sale.time_ms = end.time_ms;
    std::swap(last_sale, end);
    scene.entries[5].lsn = 6;
    scene.entries[6].lsn = scene.op(5).told.lsn = scene.op(5).told.order = 7;
    check_accepted(scene);
    scene.entries[5].type = RawType::kReleased;
    check_rejected(scene, "an atomic batch with something in between");
}

TEST_CASE("a key of a batch that failed, and was sold to all the same, is found") {
    auto scene = one_batch();
    scene.perform_atomically({order_with_key(Deed::kPurchase, "demo", 2, "c"),
                              order_with_key(Deed::kPurchase, "demo", 2, "d")});
    scene.die();
    scene.perform(order_with_key(Deed::kPurchase, "demo", 2, "c"));
    check_accepted(scene);
    scene.history.deaths_ns.clear();
    check_rejected(scene, "refused, and yet the same daemon sold to it");
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
