// The checker against histories by chance: thousands that a right daemon could have made, all
// accepted; and each of them with one thing spoiled, all rejected.
#include "tests/fault/history_judge.h"
#include "tests/fault/history_spoils.h"
#include "tests/fault/history_verdict.h"
#include "tests/support/daemon.h"
#include "tests/support/randomness.h"

namespace ticketd::testing {
namespace {

TEST_SUITE_BEGIN("history");

TEST_CASE("histories that a right daemon could have made are accepted") {
    Random random{test_seed()};
    std::size_t ops = 0, refusals = 0, lost = 0, replays = 0, timeouts = 0;
    for (unsigned i = 0; i < scaled(2000); ++i) {
        const auto scene = random_scene(random, 100);
        check_accepted(scene);
        for (const auto& op : scene.history.ops) {
            ++ops;
            refusals += is_refusal_for_stock(op) ? 1U : 0U;
            lost += op.answer == Answer::kUnknown ? 1U : 0U;
            replays += op.told.replayed ? 1U : 0U;
            timeouts += has_timed_out(op) ? 1U : 0U;
        }
    }
    MESSAGE(ops << " ops, " << refusals << " refused for stock, " << lost << " without an answer, "
                << replays << " replays, " << timeouts << " waited in vain");
    CHECK(std::min({refusals, lost, replays, timeouts}) > ops / 100);
}

TEST_CASE("each of these histories is rejected once one thing in it is spoiled") {
    auto spoils = spoils_of_ledger();
    for (auto& spoil : spoils_of_scarcity())
        spoils.push_back(std::move(spoil));
    Random random{test_seed()};
    for (const auto& [name, spoil] : spoils) {
        CAPTURE(name);
        unsigned spoiled = 0;
        // Not every history has something for every spoil.
        for (unsigned i = 0; i < scaled(2000) && spoiled < scaled(100); ++i) {
            auto scene = random_scene(random, 100);
            if (!spoil(scene, random)) continue;
            ++spoiled;
            CHECK_FALSE(check_history(scene.history, scene.entries).empty());
        }
        CHECK(spoiled == scaled(100));
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
