// A confirmation that comes a millisecond before a hold ends, at that millisecond or after it,
// whoever else has looked before and however somebody sets the clock: exactly one of the two is.
#include <doctest/doctest.h>

#include <random>

#include "tests/support/randomness.h"
#include "tests/support/store_rig.h"

using namespace ticketd;
using namespace ticketd::store;
using tests::StoreRig;

namespace {

constexpr UserId kAnyone = 7;

class RaceForHold {
  public:
    explicit RaceForHold(std::uint64_t seed)
        : random_(seed), event_(rig_.create("demo", 1'000'000)) {}

    void run() {
        const auto ttl_ms = 1 + below(50), offset = below(3);  // one less, as much, one more
        const auto made = rig_.store().hold({{kAnyone, event_, {1, 1}, "", ""}, ttl_ms, {}});
        const auto order = std::get<Changed>(made).entry.lsn;
        if (below(4) == 0) set_clock();
        rig_.clock().advance(std::chrono::milliseconds{ttl_ms + offset - 1});
        look();
        const auto result =
            rig_.store().change_hold({kAnyone, false, order, box_office::Confirm{}, ""});
        const bool is_in_time = offset == 0;
        REQUIRE(std::holds_alternative<Changed>(result) == is_in_time);
        REQUIRE(std::holds_alternative<NotHeld>(result) == !is_in_time);
        sold_ += is_in_time ? 1 : 0;
        const auto& stock = rig_.store().state().event(event_).stock;
        REQUIRE(stock.sold == sold_);
        REQUIRE(stock.held == 0);
        REQUIRE(stock.lsn == order + 1);  // it ended in one way
        if (order % 1000 == 0) rig_.settle();
    }

  private:
    std::int64_t below(std::int64_t bound) {
        return std::uniform_int_distribution<std::int64_t>{0, bound - 1}(random_);
    }

    void set_clock() {
        rig_.clock().set_back(std::chrono::milliseconds{below(7'200'000) - 3'600'000});
    }

    // Whoever comes first ends what is due.
    void look() {
        switch (below(4)) {
            case 0: rig_.store().query(event_); break;
            case 1: rig_.store().end_due_holds(); break;
            case 2: rig_.buy(event_, 2'000'000); break;
            default: break;
        }
    }

    std::mt19937_64 random_;
    StoreRig rig_;
    EventId event_;
    std::uint64_t sold_ = 0;
};

}  // namespace

TEST_CASE("a confirmation and the end of a hold, ticks apart: exactly one of them is") {
    RaceForHold race{testing::test_seed()};
    const auto times = testing::scaled(100'000);
    for (unsigned i = 0; i < times; ++i)
        race.run();
}

TEST_CASE("an atomic batch is decided at one instant: no hold ends in the midst of it") {
    StoreRig rig;
    const auto event = rig.create("demo", 100'000);
    rig.clock().let_pass_with_each_look(std::chrono::milliseconds{1});
    for (int i = 0; i < 200; ++i)
        rig.store().hold({{kAnyone, event, {1, 1}, "", ""}, 500, {}});
    const std::vector<BatchRequest> items(16, PurchaseRequest{kAnyone, event, {1, 1}, "", ""});
    Lines lines;
    while (rig.store().state().event(event).stock.held > 0) {
        const auto outcome = rig.store().atomically(items, lines);
        const auto& results = std::get<std::vector<ChangeResult>>(outcome);
        const auto& first = std::get<Changed>(results.front()).entry;
        for (std::size_t i = 0; i < results.size(); ++i) {
            const auto& entry = std::get<Changed>(results[i]).entry;
            REQUIRE(entry.lsn == first.lsn + i);
            REQUIRE(entry.time_ms == first.time_ms);
        }
    }
}

TEST_CASE("the ledger shows no hold confirmed, extended or released at its end, nor ended before") {
    StoreRig rig;
    const auto event = rig.create("demo", 100'000);
    rig.clock().let_pass_with_each_look(std::chrono::milliseconds{1});
    const HoldChange changes[] = {box_office::Confirm{}, Extend{20}, Release{}};
    for (std::size_t i = 0; i < 300; ++i) {
        const auto made = rig.store().hold({{kAnyone, event, {1, 1}, "", ""}, 20, {}});
        const auto held = std::get<Changed>(made).entry;
        rig.clock().advance(std::chrono::milliseconds{static_cast<std::int64_t>(i % 20)});
        const auto result = rig.store().change_hold(
            {kAnyone, false, held.lsn, changes[i % std::size(changes)], ""});
        if (const auto* changed = std::get_if<Changed>(&result)) {
            REQUIRE(changed->entry.time_ms < held.expires_ms);
            continue;
        }
        REQUIRE(std::holds_alternative<NotHeld>(result));
        REQUIRE(rig.store().state().last_time_ms() >= held.expires_ms);
    }
}
