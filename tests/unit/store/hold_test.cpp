// Holds in the store: each comes back exactly once, whatever the clocks, the disk and the machine
// do meanwhile.
#include <doctest/doctest.h>

#include <chrono>
#include <memory>

#include "common/limits.h"
#include "server/store/ledger_reader.h"
#include "server/store/store.h"
#include "tests/support/store_rig.h"

using namespace ticketd;
using namespace ticketd::store;
using namespace std::chrono_literals;
using box_office::Bind;
using box_office::Confirm;
using tests::StoreRig;

namespace {

constexpr UserId kHolder = 7;

HoldRequest a_hold(EventId event, std::uint64_t quantity = 1, std::int64_t ttl_ms = 1000,
                   const std::string& key = "") {
    return {{kHolder, event, {quantity, quantity}, key, ""}, ttl_ms, {}};
}

HoldChangeRequest change(Lsn order, HoldChange what, const std::string& key = "") {
    return {kHolder, false, order, what, key};
}

Entry entry_of(const ChangeResult& result) {
    REQUIRE(std::holds_alternative<Changed>(result));
    return std::get<Changed>(result).entry;
}

box_office::Refusal refusal_of(const ChangeResult& result) {
    REQUIRE(std::holds_alternative<Refused>(result));
    return std::get<Refused>(result).refusal;
}

box_office::Stock stock_of(StoreRig& rig, EventId event) {
    return std::get<Counts>(rig.store().query(event)).stock;
}

// The entry that says last what became of the order; everything is durable.
Entry newest_of(StoreRig& rig, Lsn order) {
    LedgerReader reader{rig.disk(), rig.store().id()};
    return reader.entry(newest_entry(rig.store().look_up(order)));
}

}  // namespace

TEST_CASE("a hold keeps tickets from others until it is confirmed or given back") {
    StoreRig rig;
    const auto demo = rig.create("demo", 5);
    const auto first = entry_of(rig.store().hold(a_hold(demo, 3)));
    const auto second = entry_of(rig.store().hold(a_hold(demo, 2)));
    CHECK(stock_of(rig, demo).available() == 0);
    CHECK(refusal_of(rig.buy(demo)).kind == ErrorKind::kHeldOut);
    const auto confirmed = entry_of(rig.store().change_hold(change(first.lsn, Confirm{2})));
    CHECK(confirmed.order == first.lsn);
    CHECK(confirmed.granted == 2);
    CHECK(confirmed.first_serial == 1);
    entry_of(rig.store().change_hold(change(second.lsn, Release{})));
    const auto stock = stock_of(rig, demo);
    CHECK(stock.held == 0);
    CHECK(stock.sold == 2);
    CHECK(entry_of(rig.buy(demo, 3)).first_serial == 3);
}

TEST_CASE("a hold ends at its time and not a millisecond before, and a tie has ended") {
    StoreRig rig;
    const auto demo = rig.create("demo", 2);
    const auto held = entry_of(rig.store().hold(a_hold(demo, 2, 1000)));
    CHECK(held.expires_ms == held.time_ms + 1000);
    rig.clock().advance(999ms);
    CHECK(refusal_of(rig.buy(demo)).wait_ms == 1);
    CHECK(stock_of(rig, demo).held == 2);
    rig.clock().advance(1ms);
    const auto late = rig.store().change_hold(change(held.lsn, Confirm{}));
    REQUIRE(std::holds_alternative<NotHeld>(late));
    CHECK(stock_of(rig, demo).available() == 2);
    rig.settle();
    const auto ended = newest_of(rig, held.lsn);
    CHECK(ended.type == EntryType::kExpired);
    CHECK(ended.uid == kHolder);
    entry_of(rig.buy(demo, 2));
}

TEST_CASE("a query, a hold, a purchase and the timer all see that a hold has ended") {
    for (int who = 0; who < 4; ++who) {
        CAPTURE(who);
        StoreRig rig;
        const auto demo = rig.create("demo", 1);
        entry_of(rig.store().hold(a_hold(demo)));
        CHECK(rig.store().next_end() == 1000ms);
        rig.clock().advance(1000ms);
        if (who == 0) CHECK(stock_of(rig, demo).available() == 1);
        if (who == 1) entry_of(rig.store().hold(a_hold(demo)));
        if (who == 2) entry_of(rig.buy(demo));
        if (who == 3) rig.store().end_due_holds();
        CHECK(rig.store().state().last_lsn() == (who == 0 || who == 3 ? 3 : 4));
        CHECK(rig.store().next_end().has_value() == (who == 1));
    }
}

TEST_CASE("an extension counts from now on, and a confirmation in time is not too late") {
    StoreRig rig;
    const auto demo = rig.create("demo", 1);
    const auto held = entry_of(rig.store().hold(a_hold(demo, 1, 1000)));
    rig.clock().advance(900ms);
    const auto extended = entry_of(rig.store().change_hold(change(held.lsn, Extend{500})));
    CHECK(extended.expires_ms == held.time_ms + 1400);
    rig.clock().advance(499ms);
    CHECK(rig.store().left_of(held.lsn) == 1ms);
    entry_of(rig.store().change_hold(change(held.lsn, Confirm{})));
    rig.clock().advance(1000ms);
    CHECK(stock_of(rig, demo).sold == 1);
    CHECK_FALSE(rig.store().next_end());
}

TEST_CASE("a hold is extended for thirty-one days in all, also over restarts") {
    const auto week = std::chrono::hours{7 * 24};
    auto rig = std::make_unique<StoreRig>();
    const auto demo = rig->create("demo", 1);
    const auto held = entry_of(rig->store().hold(a_hold(demo, 1, week / 1ms)));
    for (int weeks = 1; weeks <= 3; ++weeks) {
        rig->clock().advance(week - 1ms);
        entry_of(rig->store().change_hold(change(held.lsn, Extend{week / 1ms})));
        rig->settle();
        const auto now = rig->clock().now().time_since_epoch();
        auto disk = weeks == 2 ? rig->crash(tests::Unsynced::kLost) : rig->close();
        rig =
            std::make_unique<StoreRig>(std::move(disk), StoreRig::settings(),
                                       std::chrono::duration_cast<std::chrono::milliseconds>(now));
    }
    rig->clock().advance(week - 1ms);
    const auto refusal = refusal_of(rig->store().change_hold(change(held.lsn, Extend{week / 1ms})));
    CHECK(refusal.kind == ErrorKind::kLimitReached);
    CHECK(refusal.limit == limits::kHoldMsMax);
    CHECK(stock_of(*rig, demo).held == 1);
    const auto left = std::chrono::hours{3 * 24} / 1ms;
    entry_of(rig->store().change_hold(change(held.lsn, Extend{left})));
}

TEST_CASE("setting the clock ends no hold and prolongs none") {
    StoreRig rig;
    const auto demo = rig.create("demo", 1);
    entry_of(rig.store().hold(a_hold(demo, 1, 1000)));
    rig.clock().set(std::chrono::milliseconds{1'900'000'000'000});
    CHECK(stock_of(rig, demo).held == 1);
    rig.clock().set_back(std::chrono::hours{24 * 365});
    rig.clock().advance(999ms);
    CHECK(stock_of(rig, demo).held == 1);
    rig.clock().advance(1ms);
    CHECK(stock_of(rig, demo).held == 0);
}

TEST_CASE("a hold that outlives a power cut ends at its time, or at once if that has passed") {
    for (const auto away : {0ms, 400ms, 1000ms, 100'000ms}) {
        CAPTURE(away.count());
        auto rig = std::make_unique<StoreRig>();
        const auto demo = rig->create("demo", 1);
        const auto held = entry_of(rig->store().hold(a_hold(demo, 1, 1000)));
        rig->settle();
        const auto then = rig->clock().now().time_since_epoch();
        StoreRig again{rig->crash(tests::Unsynced::kLost)};
        // A machine that was off has begun to count anew.
        again.clock().set(then + away);
        StoreRig later{again.crash(tests::Unsynced::kLost), StoreRig::settings(), then + away};
        CHECK(stock_of(later, demo).held == (away < 1000ms ? 1 : 0));
        later.clock().advance(1000ms - std::min(away, 1000ms));
        CHECK(stock_of(later, demo).held == 0);
        later.settle();
        CHECK(newest_of(later, held.lsn).type == EntryType::kExpired);
        const auto last = later.store().state().last_lsn();
        later.store().end_due_holds();
        CHECK(stock_of(later, demo).available() == 1);
        CHECK(later.store().state().last_lsn() == last);
    }
}

TEST_CASE("a clock set back while the machine was off gives a hold no more than its time") {
    auto rig = std::make_unique<StoreRig>();
    const auto demo = rig->create("demo", 1);
    entry_of(rig->store().hold(a_hold(demo, 1, 1000)));
    rig->settle();
    StoreRig later{rig->crash(tests::Unsynced::kLost), StoreRig::settings(), 5ms};
    CHECK(stock_of(later, demo).held == 1);
    later.clock().advance(1000ms);
    CHECK(stock_of(later, demo).held == 0);
}

TEST_CASE("a key answers what was done to a hold, and only that") {
    auto rig = std::make_unique<StoreRig>();
    const auto demo = rig->create("demo", 4);
    const auto held = entry_of(rig->store().hold(a_hold(demo, 2, 1000, "h")));
    CHECK(std::get<Replay>(rig->store().hold(a_hold(demo, 2, 1000, "h"))).lsn == held.lsn);
    const auto extended = entry_of(rig->store().change_hold(change(held.lsn, Extend{900}, "e")));
    const auto sold = entry_of(rig->store().change_hold(change(held.lsn, Confirm{1}, "c")));
    rig->settle();
    StoreRig again{rig->crash(tests::Unsynced::kLost)};
    auto& store = again.store();
    CHECK(std::get<Replay>(store.hold(a_hold(demo, 2, 1000, "h"))).lsn == held.lsn);
    CHECK(std::get<Replay>(store.change_hold(change(held.lsn, Confirm{1}, "c"))).lsn == sold.lsn);
    CHECK(std::get<Replay>(again.buy(demo, 1, "e")).lsn == extended.lsn);
    CHECK(stock_of(again, demo).sold == 1);
    const auto answers = [](const Entry& entry, const auto& request) {
        return is_answer_to(entry, uid_of(request), key_of(request), image_of(request));
    };
    CHECK(answers(held, a_hold(demo, 2, 1000, "h")));
    CHECK_FALSE(answers(held, a_hold(demo, 2, 1001, "h")));
    CHECK_FALSE(answers(held, a_hold(demo, 2, 1000, "h").order));
    auto bound = a_hold(demo, 2, 1000, "h");
    bound.binding.bind = Bind::kConnection;
    CHECK_FALSE(answers(held, bound));
    CHECK(answers(sold, change(held.lsn, Confirm{1}, "c")));
    CHECK_FALSE(answers(sold, change(held.lsn, Confirm{}, "c")));
    CHECK_FALSE(answers(sold, change(held.lsn, Release{}, "c")));
    CHECK(answers(extended, change(held.lsn, Extend{900}, "e")));
    CHECK_FALSE(answers(extended, change(held.lsn, Extend{901}, "e")));
}

TEST_CASE("a key that was told no stays refused when the hold it meant is there") {
    StoreRig rig;
    const auto demo = rig.create("demo", 2);
    // Of an order that is none yet.
    CHECK(refusal_of(rig.store().change_hold(change(2, Release{}, "k"))).kind ==
          ErrorKind::kNotFound);
    const auto held = entry_of(rig.store().hold(a_hold(demo)));
    REQUIRE(held.lsn == 2);
    CHECK(refusal_of(rig.store().change_hold(change(2, Release{}, "k"))).kind ==
          ErrorKind::kNotFound);
    CHECK(stock_of(rig, demo).held == 1);
    CHECK(refusal_of(rig.store().change_hold(change(2, Confirm{2}, "c"))).kind ==
          ErrorKind::kInvalidParams);
    CHECK(refusal_of(rig.store().change_hold(change(2, Confirm{1}, "c"))).kind ==
          ErrorKind::kKeyMismatch);
    // What it was told about an order that is no hold any more stays true.
    entry_of(rig.store().change_hold(change(2, Confirm{})));
    for (int time = 0; time < 2; ++time)
        CHECK(std::holds_alternative<NotHeld>(
            rig.store().change_hold(change(2, Release{}, "again"))));
}

TEST_CASE("somebody else's hold is no hold, but an operator may end it") {
    StoreRig rig;
    const auto demo = rig.create("demo", 1);
    const auto held = entry_of(rig.store().hold(a_hold(demo)));
    CHECK(refusal_of(rig.store().change_hold({8, false, held.lsn, Confirm{}, ""})).kind ==
          ErrorKind::kNotFound);
    CHECK(entry_of(rig.store().change_hold({8, true, held.lsn, Release{}, ""})).uid == 8);
}

TEST_CASE("a hold whose other end is gone returns at once, and by itself only once") {
    StoreRig rig;
    const auto demo = rig.create("demo", 2);
    auto request = a_hold(demo, 1, 0);
    request.binding.bind = Bind::kConnection;
    const auto held = entry_of(rig.store().hold(request));
    CHECK_FALSE(rig.store().next_end());
    rig.store().note_gone(held.lsn);
    rig.store().note_gone(held.lsn);
    CHECK(stock_of(rig, demo).available() == 2);
    rig.store().note_gone(held.lsn);
    rig.store().end_due_holds();
    rig.settle();
    CHECK(newest_of(rig, held.lsn).type == EntryType::kReleased);
    CHECK(rig.store().state().last_lsn() == held.lsn + 1);
}

TEST_CASE("while another process has the slot, a hold waits to be ended; then it is") {
    StoreRig rig;
    const auto demo = rig.create("demo", 1);
    entry_of(rig.store().hold(a_hold(demo)));
    rig.clock().advance(1000ms);
    rig.disk().hold_locks(true);
    rig.store().end_due_holds();
    CHECK(rig.store().next_end() == 1000ms);
    rig.disk().hold_locks(false);
    rig.store().end_due_holds();
    CHECK(stock_of(rig, demo).available() == 1);
}

TEST_CASE("what a full disk takes back of a hold leaves it as it was, its time too") {
    StoreRig rig;
    const auto demo = rig.create("demo", 3);
    const auto kept = entry_of(rig.store().hold(a_hold(demo, 1, 1000)));
    const auto prolonged = entry_of(rig.store().hold(a_hold(demo, 1, 2000)));
    rig.settle();
    rig.disk().set_fault([](Operation operation, const std::string& name) {
        const bool fails = operation == Operation::kWrite && name.starts_with("journal");
        return fails ? std::make_error_code(std::errc::no_space_on_device) : std::error_code{};
    });
    entry_of(rig.store().change_hold(change(kept.lsn, Confirm{})));
    entry_of(rig.store().change_hold(change(prolonged.lsn, Extend{9000})));
    const auto lost = entry_of(rig.store().hold(a_hold(demo, 1, 500)));
    REQUIRE(rig.settle() == StoreRig::Settled::kRolledBack);
    rig.disk().set_fault({});
    CHECK(rig.store().state().find_hold(lost.lsn) == nullptr);
    CHECK(rig.store().left_of(kept.lsn) == 1000ms);
    CHECK(rig.store().left_of(prolonged.lsn) == 2000ms);
    CHECK(newest_entry(rig.store().look_up(prolonged.lsn)) == prolonged.lsn);
    CHECK(rig.store().state().event(demo).stock.held == 2);
}

TEST_CASE("what became of an order is found in memory, in one run or in several") {
    StoreRig rig;
    const auto fill = rig.create("fill", 1'000'000);
    const auto demo = rig.create("demo", 100);
    std::vector<Lsn> orders;
    // Each in another segment than the one before, and released two segments later.
    for (int segment = 0; segment < 6; ++segment) {
        orders.push_back(entry_of(rig.store().hold(a_hold(demo, 1, 0))).lsn);
        if (segment >= 2) {
            entry_of(rig.store().change_hold(change(orders[orders.size() - 3], Release{})));
        }
        rig.settle();
        rig.wait_for_checkpoint(rig.fill_segment(fill) - 1);
    }
    const auto check = [&](StoreRig& store) {
        for (std::size_t i = 0; i < orders.size(); ++i) {
            CAPTURE(i);
            const auto newest = newest_of(store, orders[i]);
            CHECK(newest.type == (i < 4 ? EntryType::kReleased : EntryType::kHeld));
            CHECK(order_number(newest) == orders[i]);
        }
    };
    check(rig);
    StoreRig again{rig.crash(tests::Unsynced::kLost)};
    check(again);
    StoreRig once_more{again.close()};
    check(once_more);
}

TEST_CASE("one user has only so many holds, which leaves some to others") {
    auto rig = std::make_unique<StoreRig>();
    const auto demo = rig->create("demo", 50'000);
    Lsn first = 0;
    for (std::size_t i = 0; i < limits::kHoldsPerUid; ++i) {
        const auto held = entry_of(rig->store().hold(a_hold(demo, 1, 0)));
        if (i == 0) first = held.lsn;
        if (i % 1000 == 0) rig->settle();
    }
    rig->settle();
    StoreRig again{rig->crash(tests::Unsynced::kLost)};
    const auto refusal = refusal_of(again.store().hold(a_hold(demo, 1, 0)));
    CHECK(refusal.kind == ErrorKind::kLimitReached);
    CHECK(refusal.limit == limits::kHoldsPerUid);
    auto others = a_hold(demo, 1, 0);
    others.order.uid = kHolder + 1;
    entry_of(again.store().hold(others));
    entry_of(again.store().change_hold(change(first, Release{})));
    entry_of(again.store().hold(a_hold(demo, 1, 0)));
    again.settle();
}
