// kill -9 at random moments under load, twice in a row, while starting, and a check of everything
// that clients were told against the journal (guarantees 1 to 5, 7 and 8).
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "tests/fault/ordeal.h"
#include "tests/fault/strace.h"
#include "tests/support/randomness.h"

namespace ticketd::testing {
namespace {

using std::chrono::microseconds;

microseconds time_below(std::mt19937_64& random, unsigned us) {
    return microseconds{random() % us};
}

TEST_SUITE_BEGIN("kill");

TEST_CASE("kills at random, twice in a row and while starting leave a history that holds") {
    std::mt19937_64 random{test_seed()};
    const bool traces = can_trace();
    Ordeal ordeal;
    ordeal.start();
    Load load{ordeal.plan(Habit::kMix, 6, random())};
    for (unsigned i = 0; i < scaled(60); ++i) {
        let_pass(time_below(random, 40'000));
        ordeal.kill();
        if (random() % 3 == 0) ordeal.kill_while_starting(time_below(random, 15'000));
        if (traces && random() % 3 == 0)
            ordeal.kill_at_start_call(1 + static_cast<int>(random() % 70));
        ordeal.start();
        if (random() % 2 == 0) CHECK(load.wait_for_answers(1));
    }
    ordeal.collect(load);
    const auto store = audit(ordeal.daemon(), ordeal.history());
    CHECK(store.entries.size() > 50);
    const auto& ops = ordeal.history().ops;
    const auto in_line = std::count_if(ops.begin(), ops.end(), [](const Op& op) {
        return op.wait_ms > 0 && op.answer == Answer::kUnknown;
    });
    MESSAGE("kills: " << ordeal.kills() << ", ops: " << ops.size()
                      << ", cut off in line: " << in_line << ", entries: " << store.entries.size());
    CHECK(in_line > 0);
    CHECK(std::any_of(ops.begin(), ops.end(), [](const Op& op) {
        return op.deed == Deed::kPurchase && op.answer == Answer::kUnknown;
    }));
}

TEST_CASE("a stock sold over many kills is sold to the last ticket and no further") {
    std::mt19937_64 random{test_seed()};
    constexpr std::uint64_t kTickets = 600;
    Ordeal ordeal{{"demo=" + std::to_string(kTickets)}};
    ordeal.start();
    Load load{ordeal.plan(Habit::kBuy, 6, random())};
    for (unsigned i = 0; i < scaled(15); ++i) {
        let_pass(time_below(random, 4'000));
        ordeal.kill();
        ordeal.start();
    }
    load.wait_until_sold_out();
    ordeal.collect(load);
    const auto store = audit(ordeal.daemon(), ordeal.history());
    MESSAGE("kills: " << ordeal.kills());
    CHECK(store.slots.at(0).sold == kTickets);
    CHECK(store.slots.at(0).available == 0);
}

TEST_CASE("kills at random while segments are left lose nothing") {
    std::mt19937_64 random{test_seed()};
    Ordeal ordeal;
    ordeal.start();
    for (unsigned i = 0; i < scaled(3); ++i) {
        ordeal.fill_segment(kAlmostASegment, random());
        Load load{ordeal.plan(Habit::kFill, 2, random())};
        let_pass(time_below(random, 150'000));
        ordeal.kill();
        ordeal.start();
        ordeal.collect(load);
    }
    audit(ordeal.daemon(), ordeal.history());
    MESSAGE("kills: " << ordeal.kills());
}

TEST_CASE("terminations under load answer what they took and lose nothing") {
    std::mt19937_64 random{test_seed()};
    Ordeal ordeal;
    ordeal.start();
    Load load{ordeal.plan(Habit::kMix, 8, random())};
    constexpr std::array kSignals{SIGTERM, SIGINT, SIGHUP};
    for (unsigned i = 0; i < scaled(18); ++i) {
        let_pass(time_below(random, 30'000));
        if (random() % 3 == 0) ordeal.freeze(time_below(random, 20'000));
        ordeal.stop(kSignals.at(i % kSignals.size()), random() % 3 == 0);
        ordeal.start();
    }
    ordeal.collect(load);
    audit(ordeal.daemon(), ordeal.history());
}

TEST_SUITE_END();

}  // namespace
}  // namespace ticketd::testing
