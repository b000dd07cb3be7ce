// kill -9 at random moments under load, restart on the same store, and an audit of what buyers were
// told (guarantees 1 to 5 and 8).
#include <doctest/doctest.h>

#include <random>

#include "client/wait.h"
#include "tests/fault/load.h"
#include "tests/support/daemon.h"

namespace ticketd::testing {
namespace {

// A random moment, which is the point here: nothing is waited for.
void let_pass(std::chrono::microseconds time) {
    client::pause_for(time, client::Clock::now() + kPatience);
}

TEST_SUITE_BEGIN("kill");

TEST_CASE("fifty kills under load lose nothing and sell nothing twice") {
    std::mt19937_64 random{test_seed()};
    auto daemon = Daemon::with_events({"demo=1000000000"});
    std::vector<Told> told;
    {
        Load load{{daemon.socket(), "demo", 8, 3, random()}};
        for (unsigned i = 0; i < scaled(60); ++i) {
            let_pass(std::chrono::microseconds{random() % 40'000});
            daemon.kill_hard();
            daemon.start();
        }
        load.finish();
        told = load.told();
        for (const auto& problem : load.problems())
            FAIL_CHECK(problem);
    }
    MESSAGE(told.size() << " purchases answered");
    CHECK(told.size() > 60);
    audit_against_ledger(daemon.socket(), told);
    CHECK(daemon.stop() == 0);
    CHECK(daemon.verify().exit == 0);
    daemon.start();
    audit_against_ledger(daemon.socket(), told);
}

TEST_CASE("kills during start-up and in quick succession lose nothing") {
    std::mt19937_64 random{test_seed()};
    auto daemon = Daemon::with_events({"demo=1000000000"});
    std::vector<Told> told;
    {
        Load load{{daemon.socket(), "demo", 4, 1, random()}};
        for (unsigned i = 0; i < scaled(20); ++i) {
            daemon.kill_hard();
            for (int j = 0; j < 3; ++j) {  // most of these die before they serve
                daemon.launch();
                let_pass(std::chrono::microseconds{random() % 15'000});
                daemon.kill_hard();
            }
            daemon.start();
            const auto before = load.answered();
            while (load.answered() == before && load.problems().empty())
                let_pass(std::chrono::microseconds{500});
        }
        load.finish();
        told = load.told();
        for (const auto& problem : load.problems())
            FAIL_CHECK(problem);
    }
    audit_against_ledger(daemon.socket(), told);
    CHECK(daemon.stop() == 0);
    CHECK(daemon.verify().exit == 0);
}

TEST_CASE("a stock sold over many kills is sold to the last ticket and no further") {
    std::mt19937_64 random{test_seed()};
    constexpr int kTickets = 600;
    auto daemon = Daemon::with_events({"demo=" + std::to_string(kTickets)});
    std::vector<Told> told;
    {
        Load load{{daemon.socket(), "demo", 6, 1, random()}};
        for (unsigned i = 0; i < 15; ++i) {
            let_pass(std::chrono::microseconds{random() % 4'000});
            daemon.kill_hard();
            daemon.start();
        }
        load.wait_until_sold_out();
        told = load.told();
        for (const auto& problem : load.problems())
            FAIL_CHECK(problem);
    }
    audit_against_ledger(daemon.socket(), told);
    const auto counts = daemon.connect().result("query");
    CHECK(counts["sold"] == kTickets);
    CHECK(counts["available"] == 0);
}

TEST_CASE("terminations under load answer what they took and lose nothing") {
    std::mt19937_64 random{test_seed()};
    auto daemon = Daemon::with_events({"demo=1000000000"});
    std::vector<Told> told;
    {
        Load load{{daemon.socket(), "demo", 8, 3, random()}};
        for (unsigned i = 0; i < scaled(15); ++i) {
            let_pass(std::chrono::microseconds{random() % 30'000});
            CHECK(daemon.stop() == 0);
            daemon.start();
        }
        load.finish();
        told = load.told();
        for (const auto& problem : load.problems())
            FAIL_CHECK(problem);
    }
    audit_against_ledger(daemon.socket(), told);
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
