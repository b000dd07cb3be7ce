// Reads and writes that transfer only part of what was asked, at any length, or are interrupted,
// are completed: nobody notices, and there is no hole in what was written.
#include <doctest/doctest.h>

#include "tests/support/daemon.h"
#include "tests/support/randomness.h"

namespace ticketd::testing {
namespace {

void buy_one_by_one(Rpc& rpc, int first, int count) {
    for (int i = first; i < first + count; ++i) {
        const auto sale = rpc.result(
            "purchase", {{"key", "k" + std::to_string(i)}, {"memo", std::string(200, 'm')}});
        CHECK(sale["serials"] == Json{i + 1});
    }
}

TEST_SUITE_BEGIN("short_transfers");

TEST_CASE("transfers of any length are completed, while it sells and while it recovers") {
    DaemonOptions options;
    options.arguments = {"--event", "demo=100000"};
    options.process.environment = {"LD_PRELOAD=" SHORT_TRANSFERS_LIBRARY,
                                   "TICKETD_SEED=" + std::to_string(test_seed())};
    Daemon daemon{options};
    daemon.start();
    int sold = 0;
    for (unsigned round = 0; round < scaled(10); ++round, sold += 20) {
        auto rpc = daemon.connect();
        buy_one_by_one(rpc, sold, 20);
        CHECK(rpc.result("order", {{"key", "k0"}})["serials"] == Json{1});
        CHECK(rpc.result("ledger.verify")["ok"] == true);
        if (round % 2 == 0) {
            daemon.kill_hard();
        } else {
            CHECK(daemon.stop() == 0);
        }
        daemon.start();
        CHECK(daemon.connect().result("query")["sold"] == sold + 20);
        CHECK(daemon.log().find("torn") == std::string::npos);
    }
    CHECK(daemon.stop() == 0);
    CHECK(daemon.verify().exit == 0);
    daemon.options().process.environment.clear();
    daemon.start();
    CHECK(daemon.connect().result("query")["sold"] == sold);
    CHECK(daemon.connect().result("server.stats")["slots_restored"] == 0);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
