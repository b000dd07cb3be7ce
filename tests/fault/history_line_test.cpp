// The checker itself: requests that wait in line, and those that come meanwhile.
#include "tests/fault/history_verdict.h"

namespace ticketd::testing {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;

// Entry 2 sells all but one; of the ops, 2 waits for two.
Scene one_in_line() {
    Scene scene;
    scene.create("demo", 5);
    scene.buy("demo", 4, "a");
    scene.wait("demo", 2, 50, "b");
    return scene;
}

constexpr std::size_t kInLine = 2;

TEST_SUITE_BEGIN("history");

TEST_CASE("a right history of a line is accepted") {
    auto scene = one_in_line();
    const auto behind = scene.buy("demo", 1, "c");
    CHECK(scene.op(behind).told.refusal == "reserved_for_line");
    scene.buy("demo", 1, "c");
    const auto next = scene.wait("demo", 1, 20, "d");
    const auto hopeless = scene.wait("demo", 9, 20, "e");
    CHECK(scene.op(hopeless).told.refusal == "never_satisfiable");
    scene.change(Deed::kCancel, 2, "f", 2);
    CHECK(scene.op(kInLine).told.order == 4);
    CHECK(scene.op(next).told.order == 5);
    const auto late = scene.wait("demo", 2, 20);
    scene.time_out(late);
    check_accepted(scene);
    const auto cut_off = scene.wait("demo", 2, 20, "g");
    const auto joined = scene.wait("demo", 2, 20, "g");
    scene.die();
    CHECK(scene.op(cut_off).answer == Answer::kUnknown);
    scene.resize("demo", 9);
    scene.wait("demo", 2, 20, "g");
    check_accepted(scene);
    static_cast<void>(joined);
}

TEST_CASE("a wait that ends too soon, or was none, is found") {
    auto scene = one_in_line();
    scene.time_out(kInLine);
    check_accepted(scene);
    auto early = scene;
    early.op(kInLine).ended_ns = early.op(kInLine).invoked_ns + 50 * kNsPerMs - 1;
    check_rejected(early, "timed out before its time");
    scene.op(kInLine).wait_ms = 0;
    check_rejected(scene, "timed out, and did not wait");
}

TEST_CASE("a wait is remembered for its key by one daemon only") {
    auto scene = one_in_line();
    scene.time_out(kInLine);
    const auto again = scene.wait("demo", 2, 50, "b");
    CHECK(scene.op(again).ended_ns < scene.op(again).invoked_ns + 50 * kNsPerMs);
    check_accepted(scene);
    auto another = scene;
    another.op(again).told.refusal = "insufficient";
    check_rejected(another, "refused in two ways by one daemon");
    check_rejected(another, "refused as insufficient, though it would have waited");
    auto sold = scene;
    sold.resize("demo", 9);
    const auto sale = sold.wait("demo", 2, 50, "c");
    sold.op(sale).key = sold.entries.back().key = "b";
    check_rejected(sold, "refused, and yet the same daemon sold to it");
    scene.history.deaths_ns.push_back(scene.op(again).invoked_ns - 1);
    check_rejected(scene, "timed out before its time");
}

TEST_CASE("a wait whose numbers are not those of the ledger is found") {
    auto scene = one_in_line();
    scene.time_out(kInLine);
    auto wrong = scene;
    wrong.op(kInLine).told.available = 0;
    check_rejected(wrong, "refused with counts that are not those at its LSN");
    wrong = scene;
    wrong.op(kInLine).told.requested = 1;
    check_rejected(wrong, "refused for another quantity");
    scene.op(kInLine).quantity = scene.op(kInLine).min_quantity = 6;
    scene.op(kInLine).told.requested = 6;
    check_rejected(scene, "refused as wait_timeout, not as never_satisfiable");
}

TEST_CASE("a wait for what was there, with nobody ahead, is found") {
    auto scene = one_in_line();
    scene.time_out(kInLine);
    scene.op(kInLine).quantity = scene.op(kInLine).min_quantity = 1;
    scene.op(kInLine).told.requested = 1;
    check_rejected(scene, "timed out, though there were enough and nobody else in line");
}

TEST_CASE("who waits and is told no at once is found, unless a copy did not wait") {
    auto scene = one_in_line();
    scene.time_out(kInLine);
    const auto refused = scene.buy("demo", 2, "c");
    scene.op(refused).wait_ms = 20;
    check_rejected(scene, "refused as insufficient, though it would have waited");
    const auto copy = scene.buy("demo", 2, "c");
    check_rejected(scene, "refused as insufficient, though it would have waited");
    scene.op(refused).wait_ms = 0;
    scene.op(copy).wait_ms = 20;
    check_accepted(scene);
}

TEST_CASE("tickets reserved for a line in which nobody is are found") {
    auto scene = one_in_line();
    const auto refused = scene.buy("demo", 1, "c");
    scene.time_out(kInLine);
    check_accepted(scene);
    auto alone = scene;
    alone.op(kInLine).wait_ms = 0;
    check_rejected(alone, "refused for those in line, and nobody was");
    auto late = scene;
    late.op(refused).invoked_ns = late.op(kInLine).ended_ns + 1;
    late.op(refused).ended_ns = late.op(refused).invoked_ns + 1;
    check_rejected(late, "refused for those in line, and nobody was");
    late.lose_answer(kInLine);  // then it may have stood there until its daemon died
    check_accepted(late);
    late.history.deaths_ns.push_back(late.op(refused).invoked_ns - 1);
    check_rejected(late, "refused for those in line, and nobody was");
    auto elsewhere = scene;
    elsewhere.op(refused).told.requested = elsewhere.op(refused).min_quantity =
        elsewhere.op(refused).quantity = 2;
    check_rejected(elsewhere, "refused as reserved_for_line, not as insufficient");
}

TEST_CASE("a sale past somebody in line is found") {
    auto scene = one_in_line();
    const auto passes = scene.buy("demo", 1, "c");
    scene.time_out(kInLine);
    // It was served, where it was refused; the LSNs behind it stay.
    Scene barging;
    barging.create("demo", 5);
    barging.buy("demo", 4, "a");
    const auto sale = barging.buy("demo", 1, "c");
    const auto waits = barging.wait("demo", 2, 50, "b");
    barging.time_out(waits);
    check_accepted(barging);
    barging.op(waits).invoked_ns = scene.op(kInLine).invoked_ns;
    barging.op(waits).ended_ns = scene.op(kInLine).ended_ns;
    barging.op(sale).invoked_ns = scene.op(passes).invoked_ns;
    barging.op(sale).ended_ns = scene.op(passes).ended_ns;
    barging.op(sale).wait_ms = 20;  // who comes later waits behind
    check_rejected(barging, "served past one in line");
    barging.op(sale).wait_ms = 0;
    check_rejected(barging, "served past one in line");
    barging.op(sale).invoked_ns = barging.op(waits).invoked_ns - 1;  // came first, perhaps
    check_accepted(barging);
}

TEST_CASE("all who waited with one key are told of one sale, and nobody else is") {
    auto scene = one_in_line();
    const auto joined = scene.wait("demo", 2, 50, "b");
    scene.resize("demo", 9);
    CHECK(scene.op(joined).told.order == scene.op(kInLine).told.order);
    check_accepted(scene);
    auto apart = scene;
    apart.op(joined).invoked_ns = apart.op(kInLine).ended_ns + 1;
    apart.op(joined).ended_ns = apart.op(joined).invoked_ns + 1;
    check_rejected(apart, "and so was");
    scene.op(kInLine).wait_ms = scene.op(joined).wait_ms = 0;
    check_rejected(scene, "and so was");
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
