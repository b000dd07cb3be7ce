// The checker itself: events that use their numbers again.
#include <functional>

#include "tests/fault/history_verdict.h"

namespace ticketd::testing {
namespace {

// Of four slots 1 and 2 are held (entry 2), 3 is sold (entry 3); then 1 is sold and 2 returns (4),
// and 2 and 4 are held (5).
Scene some_slots() {
    Scene scene;
    scene.create_slots("desks", 4);
    scene.hold("desks", 2, "a");
    scene.buy("desks", 1, "b");
    scene.change(Deed::kConfirm, 2, "c", 1);
    scene.hold("desks", 2, "d");
    return scene;
}

TEST_SUITE_BEGIN("history");

TEST_CASE("a right history of slots is accepted") {
    auto scene = some_slots();
    CHECK(scene.op(1).told.serials == std::vector<std::uint64_t>{1, 2});
    CHECK(scene.op(3).told.serials == std::vector<std::uint64_t>{1});
    CHECK(scene.op(4).told.serials == std::vector<std::uint64_t>{2, 4});
    scene.look_up("d");
    scene.change(Deed::kExtend, 5);
    scene.look_up("d");
    scene.change(Deed::kCancel, 3);
    scene.resize("desks", 3);
    scene.change(Deed::kRelease, 5, "e");
    const auto reused = scene.buy("desks", 2, "f");
    CHECK(scene.op(reused).told.serials == std::vector<std::uint64_t>{2, 3});
    scene.hold("desks", 1, "g");
    scene.change(Deed::kCancel, 10, "h", 1);
    scene.look_up("f");
    const auto last = scene.hold("desks", 1);
    CHECK(scene.op(last).told.serials == std::vector<std::uint64_t>{3});
    scene.expire(scene.op(last).told.order);
    scene.query("desks");
    check_accepted(scene);
}

TEST_CASE("a slot that two have, that is skipped or that is none is found") {
    const auto spoiled = [](std::size_t lsn, std::vector<std::uint64_t> slots,
                            const std::string& text) {
        auto scene = some_slots();
        scene.entries[lsn - 1].tickets = slots;
        scene.op(lsn - 1).told.serials = std::move(slots);
        check_rejected(scene, text);
    };
    spoiled(3, {2}, "entry 3: a slot that somebody else has");
    spoiled(3, {4}, "entry 3: not the lowest slots that were free");
    spoiled(3, {5}, "entry 3: a slot beyond the capacity");
    spoiled(3, {3, 4}, "entry 3: another number of slots than was granted");
    spoiled(4, {2}, "entry 4: not the lowest slots of the hold");
    spoiled(4, {1, 2}, "entry 4: another number of slots than was confirmed");
    spoiled(5, {1, 2}, "entry 5: a slot that somebody else has");
    auto scene = some_slots();
    scene.entries[2].first_serial = 1;
    check_rejected(scene, "entry 3: serials where there are slots");
}

TEST_CASE("who is told another slot than the ledger has is found") {
    for (const std::size_t op : {1U, 2U, 3U, 4U, 5U}) {
        CAPTURE(op);
        auto scene = some_slots();
        scene.look_up("d");
        check_accepted(scene);
        ++scene.op(op).told.serials.back();
        check_rejected(scene, "other serials than the ledger has");
    }
}

TEST_CASE("slots where serials were asked for, and the other way round, are found") {
    auto scene = some_slots();
    scene.op(0).has_slots = false;
    check_rejected(scene, "the ledger has another change there");
}

TEST_CASE("only of slots nothing is taken back for good") {
    auto scene = some_slots();
    const auto refused = scene.change(Deed::kCancel, 3, "x");
    auto& op = scene.op(refused);
    op.answer = Answer::kRefused;
    op.told = {};
    op.told.refusal = "invalid_params";
    op.restocks = false;
    scene.entries.pop_back();
    check_accepted(scene);
    op.order = 1;
    check_rejected(scene, "refused for slots that are none");

    scene = some_slots();
    scene.change(Deed::kCancel, 3, "x");
    scene.history.ops.back().restocks = scene.entries.back().restocks = false;
    check_rejected(scene, "slots that are gone for good");
}

TEST_CASE("a cancellation that takes back others than the last is found") {
    Scene scene;
    scene.create("demo", 5);
    scene.buy("demo", 3, "a");
    scene.change(Deed::kCancel, 2, "b", 1);
    check_accepted(scene);
    scene.entries.back().tickets = scene.op(2).told.serials = {2, 3};
    scene.entries.back().returned = scene.op(2).told.returned = {1};
    check_rejected(scene, "other tickets than a cancellation takes back");
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
