// The checker itself: keys, requests without an answer, and entries that nobody asked for.
#include "tests/fault/history_verdict.h"

namespace ticketd::testing {
namespace {

TEST_SUITE_BEGIN("history");

TEST_CASE("an entry that nobody asked for is found") {
    Scene scene;
    scene.create("demo", 5);
    const auto keyed = scene.buy("demo", 1, "a");
    scene.history.ops.erase(scene.history.ops.begin() + static_cast<std::ptrdiff_t>(keyed));
    check_rejected(scene, "entry 2: nobody asked for it");
    scene.buy("demo", 1);
    scene.history.ops.pop_back();
    check_rejected(scene, "entry 3: nobody asked for it");
}

TEST_CASE("a sale to somebody who was told no, or busy, is found") {
    Scene scene;
    scene.create("demo", 5);
    const auto sale = scene.buy("demo", 1, "a");
    scene.op(sale).answer = Answer::kRefused;
    scene.op(sale).told = {};
    scene.op(sale).told.refusal = "busy";
    check_rejected(scene, "nobody asked for it, or all who did were told no");
}

TEST_CASE("a key that was told no and then sold to is found, unless the daemon was another") {
    Scene scene;
    scene.create("demo", 1);
    scene.buy("demo", 1, "a");
    const auto refused = scene.buy("demo", 1, "b");
    scene.resize("demo", 2);
    scene.die();
    const auto sale = scene.buy("demo", 1, "b");
    check_accepted(scene);
    scene.history.deaths_ns.clear();
    check_rejected(scene, "refused, and yet the same daemon sold to it");
    scene.history.deaths_ns.push_back(scene.op(refused).ended_ns + 1);
    scene.lose_answer(sale);
    check_accepted(scene);
    scene.history.deaths_ns.back() = scene.op(refused).ended_ns - 1;
    check_accepted(scene);
}

TEST_CASE("a key that was sold to and then told no is found") {
    Scene scene;
    scene.create("demo", 1);
    scene.buy("demo", 1, "a");
    scene.die();
    auto again = scene.op(1);
    again.ended_ns = kNever;
    again.key = "b";  // is refused, and then has been asked with the key that bought
    const auto refused = scene.perform(again);
    scene.op(refused).key = "a";
    check_rejected(scene, "refused, though entry 2 had sold to it");
}

TEST_CASE("a key with two refusals by one daemon is found") {
    Scene scene;
    scene.create("demo", 1);
    scene.buy("demo", 1, "a");
    scene.buy("demo", 1, "b");
    scene.resize("demo", 1);
    scene.die();
    scene.buy("demo", 1, "b");
    check_accepted(scene);
    scene.history.deaths_ns.clear();
    check_rejected(scene, "refused in two ways by one daemon");
}

TEST_CASE("a key with two entries is found") {
    Scene scene;
    scene.create("demo", 5);
    scene.buy("demo", 1, "a");
    scene.buy("demo", 1, "b");
    scene.entries.back().key = "a";
    scene.op(2).key = "a";
    check_rejected(scene, "the key has an entry");
}

TEST_CASE("equal keys of two users are two keys") {
    Scene scene;
    scene.create("demo", 5);
    scene.buy("demo", 1, "a");
    auto other = scene.op(1);
    other.ended_ns = kNever;
    other.told = {};
    other.uid = 8;
    scene.perform(other);
    check_accepted(scene);
    CHECK(scene.entries.size() == 3);
}

TEST_CASE("a replay that differs from the first answer is found") {
    Scene scene;
    scene.create("demo", 5);
    scene.buy("demo", 1, "a");
    scene.buy("demo", 1, "b");
    const auto replay = scene.buy("demo", 1, "a");
    scene.op(replay).told.available -= 1;
    check_rejected(scene, "tickets left");
    scene.op(replay).told = scene.op(2).told;
    scene.op(replay).told.replayed = true;
    check_rejected(scene, "the ledger has another request there");
    scene.op(replay).told = scene.op(1).told;  // which does not say that it is a replay
    check_rejected(scene, "and so was");
}

TEST_CASE("a replay of another request with the same key is found") {
    Scene scene;
    scene.create("demo", 5);
    scene.buy("demo", 1, "a");
    const auto replay = scene.buy("demo", 1, "a");
    scene.op(replay).memo = "another";
    check_rejected(scene, "the ledger has another request there");
}

TEST_CASE("a replay of what was never answered nor in doubt is found") {
    Scene scene;
    scene.create("demo", 5);
    scene.buy("demo", 1, "a");
    scene.op(1).told.replayed = true;
    check_rejected(scene, "nobody asked for it");
}

TEST_CASE("a mismatch without another request is found") {
    Scene scene;
    scene.create("demo", 5);
    const auto sale = scene.buy("demo", 1, "a");
    const auto mismatch = scene.buy("demo", 2, "a");
    check_accepted(scene);
    scene.op(mismatch).quantity = scene.op(mismatch).min_quantity = 1;
    check_rejected(scene, "a mismatch with its own request");
    scene.op(mismatch).key = "b";
    check_rejected(scene, "a mismatch with no other request");
    static_cast<void>(sale);
}

TEST_CASE("an unanswered request was done once or not at all") {
    Scene scene;
    scene.create("demo", 5);
    scene.lose_answer(scene.buy("demo", 1, "a"));
    scene.lose_answer(scene.buy("demo", 2));
    check_accepted(scene);
    Scene neither = scene;
    neither.entries.resize(1);
    check_accepted(neither);
    Scene twice = scene;
    twice.buy("demo", 2);
    twice.history.ops.pop_back();
    check_rejected(twice, "entry 4: nobody asked for it");
    Scene other = scene;
    other.op(2).memo = "another";
    check_rejected(other, "entry 3: nobody asked for it");
}

TEST_CASE("an unanswered request that was done before it was made is found") {
    for (const std::string key : {"", "a"}) {
        CAPTURE(key);
        Scene scene;
        scene.create("demo", 5);
        const auto sale = scene.buy("demo", 1, key);
        scene.query("demo");
        scene.lose_answer(sale);
        check_accepted(scene);
        scene.op(sale).invoked_ns = scene.op(sale).ended_ns = scene.now_ns;
        check_rejected(
            scene, key.empty() ? "made before anybody asked for it" : "was there before it began");
    }
}

TEST_CASE("unanswered requests of a kind may take each other's entries, but not twice") {
    Scene scene;
    scene.create("demo", 9);
    const auto early = scene.buy("demo", 1);
    const auto late = scene.buy("demo", 1);
    scene.lose_answer(early);
    scene.lose_answer(late);
    std::swap(scene.op(early).invoked_ns, scene.op(late).invoked_ns);
    std::swap(scene.op(early).ended_ns, scene.op(late).ended_ns);
    check_accepted(scene);
    scene.query("demo");
    scene.op(early).invoked_ns = scene.op(late).invoked_ns = scene.now_ns;
    check_rejected(scene, "made before anybody asked for it");
}

TEST_CASE("an unanswered request that is done by a later daemon is found") {
    Scene scene;
    scene.create("demo", 5);
    const auto lost = scene.buy("demo", 1, "a");
    scene.die();
    const auto after = scene.buy("demo", 1, "b");
    scene.lose_answer(lost);
    check_accepted(scene);
    // The ledger has them the other way round.
    auto& a = scene.entries[1];
    auto& b = scene.entries[2];
    std::swap(a.key, b.key);
    scene.op(after).told.order = scene.op(after).told.lsn = 2;
    scene.op(after).told.serials = {1};
    scene.op(after).told.available = 4;
    check_rejected(scene, "made entry 2, but entry 3 was there before it began");
    scene.history.deaths_ns.clear();  // then it may have waited all the while
    check_accepted(scene);
}

TEST_CASE("an abandoned key that buys, and a promise that was not made, are found") {
    Scene scene;
    scene.create("demo", 5);
    scene.abandon("a");
    scene.abandon("a");
    const auto refused = scene.buy("demo", 1, "a");
    check_accepted(scene);
    auto wrong = scene;
    wrong.buy("demo", 1, "b");
    wrong.entries.back().key = "a";
    wrong.history.ops.back().key = "a";
    check_rejected(wrong, "the key has an entry");
    wrong = scene;
    wrong.op(refused).key = "b";
    check_rejected(wrong, "refused as key_abandoned, which nothing explains");
    wrong = scene;
    wrong.entries.pop_back();
    check_rejected(wrong, "a promise that is not in the ledger");
    wrong = scene;
    wrong.op(2).told.replayed = false;
    check_rejected(wrong, "and so was");
    wrong = scene;
    wrong.op(1).told.lsn = 1;
    check_rejected(wrong, "a promise with another LSN");
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
