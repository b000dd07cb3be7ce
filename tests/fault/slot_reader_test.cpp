// A script that knows the stock file only by its documentation locks a slot and reads its counts
// while clients buy: they always add up, and nobody is refused for it.
#include <doctest/doctest.h>

#include "tests/fault/ordeal.h"
#include "tests/support/randomness.h"

namespace ticketd::testing {
namespace {

TEST_SUITE_BEGIN("slot_reader");

TEST_CASE("a Python script reads consistent counts under the lock while clients buy") {
    if (std::string{PYTHON_BINARY}.empty()) {
        MESSAGE("SKIPPED: no Python here");
        return;
    }
    // Events are created in the order of their names: "demo" has slot 1.
    Ordeal ordeal{{"another=1", "demo=1000000"}};
    ordeal.start();
    auto& daemon = ordeal.daemon();
    Load load{ordeal.plan(Habit::kBuy, 4, test_seed())};
    const auto script = run({PYTHON_BINARY, SLOT_READER_SCRIPT, daemon.data_dir() + "/stock", "1",
                             std::to_string(scaled(2000))});
    CAPTURE(script.error);
    CHECK(script.exit == 0);
    CHECK(script.output.find(" reads of demo, ") != std::string::npos);
    CHECK(script.output.find(" 1 different counts") == std::string::npos);
    MESSAGE(script.output);
    ordeal.collect(load);
    CHECK(daemon.connect().result("server.stats")["slots_restored"] == 0);
    audit(daemon, ordeal.history());
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
