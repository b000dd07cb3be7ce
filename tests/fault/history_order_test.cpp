// The checker itself: answers that are right by themselves and wrong at their time.
#include "tests/fault/history_verdict.h"

namespace ticketd::testing {
namespace {

// The second op did run before the first.
void put_before(Scene& scene, std::size_t first, std::size_t second) {
    scene.op(second).ended_ns = scene.op(first).invoked_ns - 1;
    scene.op(second).invoked_ns = scene.op(second).ended_ns - 1;
}

TEST_SUITE_BEGIN("history");

TEST_CASE("serials, counts and order numbers that differ from the ledger are found") {
    Scene right;
    right.create("demo", 5);
    right.buy("demo", 2, "a");
    check_accepted(right);
    const auto spoiled = [&right](auto spoil) {
        auto scene = right;
        spoil(scene.op(1).told);
        return scene;
    };
    check_rejected(spoiled([](Told& told) { told.serials[1] = 1; }), "other serials");
    check_rejected(spoiled([](Told& told) { told.serials.pop_back(); }), "another number of tick");
    check_rejected(spoiled([](Told& told) { told.available += 1; }), "tickets left");
    check_rejected(spoiled([](Told& told) { told.order += 1; }), "whose number is not its LSN");
    check_rejected(spoiled([](Told& told) {
                       told.order = 1;
                       told.lsn = 1;
                   }),
                   "another request");
    check_rejected(spoiled([](Told& told) { told.requested = 9; }), "another request than");
}

TEST_CASE("a query that missed a sale which was acknowledged before is found") {
    Scene scene;
    scene.create("demo", 5);
    const auto query = scene.query("demo");
    const auto sale = scene.buy("demo", 1, "a");
    check_accepted(scene);
    put_before(scene, query, sale);
    scene.op(0).invoked_ns = scene.op(0).ended_ns = -100;
    check_rejected(scene, "saw the ledger as it was up to 1, but entry 2 was there");
}

TEST_CASE("a query that saw a sale which had not begun is found") {
    Scene scene;
    scene.create("demo", 5);
    const auto sale = scene.buy("demo", 1, "a");
    const auto query = scene.query("demo");
    put_before(scene, sale, query);
    check_rejected(scene, "made entry 2, but entry 2 was there before it began");
}

TEST_CASE("two clients that disagree on the order of what they saw are found") {
    Scene scene;
    scene.create("demo", 5);
    const auto older = scene.query("demo");
    const auto sale = scene.buy("demo", 1, "a");
    const auto newer = scene.query("demo");
    // Both while the sale is in flight; the later one sees less.
    scene.op(sale).invoked_ns = 100;
    scene.op(sale).ended_ns = 200;
    scene.op(newer).invoked_ns = 110;
    scene.op(newer).ended_ns = 120;
    scene.op(older).invoked_ns = 130;
    scene.op(older).ended_ns = 140;
    check_rejected(scene, "saw the ledger as it was up to 1");
}

TEST_CASE("sales whose order in the ledger is not that of real time are found") {
    Scene scene;
    scene.create("demo", 5);
    const auto first = scene.buy("demo", 1, "a");
    const auto second = scene.buy("other", 1, "b");
    scene.create("other", 5);
    const auto third = scene.buy("other", 1, "c");
    check_accepted(scene);
    put_before(scene, first, third);
    scene.op(0).invoked_ns = scene.op(0).ended_ns = -100;
    scene.op(3).invoked_ns = scene.op(3).ended_ns = -50;
    scene.op(second).invoked_ns = scene.op(second).ended_ns = -60;
    check_rejected(scene, "made entry 2, but entry 4 was there before it began");
}

TEST_CASE("a refusal that rests on a state of long ago is found") {
    Scene scene;
    scene.create("demo", 5);
    scene.buy("demo", 5, "a");
    scene.resize("demo", 9);
    const auto refused = scene.buy("demo", 5, "b");
    auto& told = scene.op(refused).told;
    told = {};
    told.refusal = "sold_out";
    told.lsn = 2;
    told.requested = 5;
    told.capacity = told.committed = 5;
    check_rejected(scene, "saw the ledger as it was up to 2, but entry 3 was there");
}

TEST_CASE("a list of events as they never were together is found") {
    Scene scene;
    scene.create("one", 5);
    scene.create("two", 5);
    const auto first = scene.list_events();
    scene.buy("one", 1, "a");
    scene.buy("two", 1, "b");
    const auto second = scene.list_events();
    check_accepted(scene);
    auto mixed = scene;
    std::swap(mixed.op(first).told.counts[1], mixed.op(second).told.counts[1]);
    check_rejected(mixed, "events as they never were at one moment");
    auto short_of_one = scene;
    short_of_one.op(first).told.counts.pop_back();
    check_rejected(short_of_one, "saw the ledger as it was up to 1, but entry 2 was there");
}

TEST_CASE("an order that is not found, or is another's, is found") {
    Scene scene;
    scene.create("demo", 5);
    scene.buy("demo", 1, "a");
    scene.buy("demo", 1, "b");
    const auto lookup = scene.look_up("a");
    auto gone = scene;
    gone.op(lookup).answer = Answer::kRefused;
    gone.op(lookup).told.refusal = "not_found";
    check_rejected(gone, "saw the ledger as it was up to 1, but entry 3 was there");
    scene.op(lookup).told = scene.op(2).told;
    check_rejected(scene, "an order that has another key");
}

TEST_CASE("an event that is there and not found is found") {
    Scene scene;
    scene.create("demo", 5);
    const auto query = scene.query("other");
    check_accepted(scene);
    scene.op(query).event = "demo";
    check_rejected(scene, "saw the ledger as it was up to 0, but entry 1 was there");
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
