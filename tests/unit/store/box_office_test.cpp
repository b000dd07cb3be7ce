// Cancellations, overcommits, limits of buyers, slots and closes that void holds, in the store:
// what each leaves is there after a restart, from the journal as well as from the checkpoint.
#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <memory>

#include "common/limits.h"
#include "server/store/audit.h"
#include "server/store/ledger_reader.h"
#include "server/store/store.h"
#include "tests/support/store_rig.h"

using namespace ticketd;
using namespace ticketd::store;
using box_office::Cancel;
using box_office::Close;
using box_office::Confirm;
using box_office::TicketNumbers;
using tests::StoreRig;
using tests::Unsynced;

namespace {

constexpr UserId kAnn = 7, kBob = 8;

Entry made(const ChangeResult& result) {
    REQUIRE(std::holds_alternative<Changed>(result));
    return std::get<Changed>(result).entry;
}

ErrorKind refused(const ChangeResult& result) {
    REQUIRE(std::holds_alternative<Refused>(result));
    return std::get<Refused>(result).refusal.kind;
}

box_office::Stock counts(StoreRig& rig, EventId event) {
    return std::get<Counts>(rig.store().query(event)).stock;
}

KnownOrder known(StoreRig& rig, Lsn order) {
    rig.settle();
    LedgerReader reader{rig.disk(), rig.store().id()};
    const auto lookup = rig.store().look_up(order);
    return {reader.entry(order), reader.entry(newest_entry(lookup)), lookup};
}

ChangeResult cancel(StoreRig& rig, Lsn order, const Cancel& terms = {}, const std::string& key = "",
                    UserId uid = kAnn) {
    const auto order_now = known(rig, order);
    return rig.store().cancel({uid, false, order, terms, key, "reason"}, &order_now);
}

HoldRequest hold_for(EventId event, std::uint64_t quantity = 1, UserId uid = kAnn) {
    return {{uid, event, {quantity, quantity}, "", ""}, 60'000, {}};
}

ChangeResult change(StoreRig& rig, Lsn order, const HoldChange& what, UserId uid = kAnn) {
    return rig.store().change_hold({uid, false, order, what, ""});
}

EventId create(StoreRig& rig, std::uint64_t capacity, const box_office::Terms& terms) {
    box_office::Rules rules;
    rules.terms = terms;
    return made(rig.store().create_event(0, "terms", capacity, rules)).event;
}

box_office::Terms slots() {
    box_office::Terms terms;
    terms.reuses_numbers = true;
    return terms;
}

box_office::Terms one_buyer(std::uint32_t limit) {
    box_office::Terms terms;
    terms.buyer_limit = limit;
    terms.takes_names = true;
    return terms;
}

box_office::Resize forced(std::uint64_t capacity) {
    box_office::Resize resize{capacity};
    resize.is_forced = true;
    return resize;
}

// Calls `check` now, after a crash, which replays the journal, and after a clean stop, which leaves
// all to the checkpoint. The audit has no complaint.
void check_over_restarts(std::unique_ptr<StoreRig> rig,
                         const std::function<void(StoreRig&)>& check) {
    rig->settle();
    check(*rig);
    for (const bool is_clean : {false, true, false}) {
        CAPTURE(is_clean);
        rig->settle();
        auto disk = is_clean ? rig->close() : rig->crash(Unsynced::kLost);
        CHECK(audit_store(*disk).problems == std::vector<std::string>{});
        rig = std::make_unique<StoreRig>(std::move(disk));
        check(*rig);
    }
}

}  // namespace

TEST_CASE("a cancelled order is so after a restart, and cannot be cancelled again") {
    auto rig = std::make_unique<StoreRig>();
    const auto demo = rig->create("demo", 5);
    const auto order = made(rig->buy(demo, 3)).lsn;
    rig->buy(demo, 1);
    made(cancel(*rig, order, {1}, "first"));
    check_over_restarts(std::move(rig), [&](StoreRig& now) {
        CHECK(tickets_after(known(now, order).newest) == TicketNumbers{1, 2});
        CHECK(counts(now, demo).available() == 2);
        CHECK(std::holds_alternative<Replay>(cancel(now, order, {1}, "first")));
        CHECK(std::holds_alternative<NotHeld>(cancel(now, order, {0, {3}})));
        CHECK(refused(cancel(now, order, {3})) == ErrorKind::kInvalidParams);
        CHECK(refused(cancel(now, order, {}, "", kBob)) == ErrorKind::kNotFound);
    });
}

TEST_CASE("serials that were cancelled are never given again") {
    StoreRig rig;
    const auto demo = rig.create("demo", 3);
    const auto order = made(rig.buy(demo, 3)).lsn;
    CHECK(made(cancel(rig, order, {0, {2}})).returned == TicketNumbers{2});
    CHECK(made(rig.buy(demo, 1)).first_serial == 4);
    made(cancel(rig, order));
    CHECK(std::holds_alternative<NotHeld>(cancel(rig, order)));
    CHECK(tickets_after(made(rig.buy(demo, 2))) == TicketNumbers{5, 6});
    CHECK(refused(rig.buy(demo, 1)) == ErrorKind::kSoldOut);
}

TEST_CASE("two cancellations of what was read once are not both done") {
    for (const bool is_covered : {false, true}) {
        CAPTURE(is_covered);
        StoreRig rig;
        const auto demo = rig.create("demo", 1'000'000);
        const auto order = made(rig.buy(demo, 2)).lsn;
        const auto before = known(rig, order);
        made(rig.store().cancel({kAnn, false, order, {}, "", ""}, &before));
        rig.settle();
        // A checkpoint may have come between them, and nothing of the first be in memory.
        if (is_covered) rig.wait_for_checkpoint(rig.fill_segment(demo) - 1);
        const auto second = rig.store().cancel({kAnn, false, order, {}, "", ""}, &before);
        CHECK(std::holds_alternative<Outdated>(second));
        CHECK(std::holds_alternative<NotHeld>(cancel(rig, order)));
    }
}

TEST_CASE("a hold that was confirmed can be cancelled, one that is held or gone cannot") {
    StoreRig rig;
    const auto demo = rig.create("demo", 9);
    const auto held = made(rig.store().hold(hold_for(demo, 3))).lsn;
    CHECK(std::holds_alternative<NotHeld>(cancel(rig, held)));
    made(change(rig, held, Confirm{2}));
    CHECK(made(cancel(rig, held, {1})).tickets == TicketNumbers{1});
    const auto gone = made(rig.store().hold(hold_for(demo, 3))).lsn;
    made(change(rig, gone, Release{}));
    CHECK(std::holds_alternative<NotHeld>(cancel(rig, gone)));
    CHECK(refused(rig.store().cancel({kAnn, false, 99, {}, "", ""}, nullptr)) ==
          ErrorKind::kNotFound);
}

TEST_CASE("tickets that are cancelled for good take the capacity with them") {
    auto rig = std::make_unique<StoreRig>();
    const auto demo = rig->create("demo", 5);
    const auto order = made(rig->buy(demo, 3)).lsn;
    made(cancel(*rig, order, {2, {}, false}));
    check_over_restarts(std::move(rig), [&](StoreRig& now) {
        CHECK(counts(now, demo).capacity == 3);
        CHECK(counts(now, demo).available() == 2);
    });
}

TEST_CASE("an overcommit stays until something returns, over restarts") {
    auto rig = std::make_unique<StoreRig>();
    const auto demo = rig->create("demo", 5);
    const auto order = made(rig->buy(demo, 4)).lsn;
    CHECK(refused(rig->store().resize_event(0, demo, {2})) == ErrorKind::kCapacityBelowCommitted);
    made(rig->store().resize_event(0, demo, forced(2)));
    int owed = 2;
    check_over_restarts(std::move(rig), [&](StoreRig& now) {
        CHECK(counts(now, demo).overcommit == static_cast<std::uint64_t>(owed));
        CHECK(refused(now.buy(demo)) == ErrorKind::kSoldOut);
        if (owed == 0) return;
        made(cancel(now, order, {1}));
        --owed;
    });
}

TEST_CASE("a buyer has no more than the event lets one have, by user and by name") {
    auto rig = std::make_unique<StoreRig>();
    const auto event = create(*rig, 100, one_buyer(3));
    const auto buy = [event](StoreRig& now, std::uint64_t quantity, const std::string& name,
                             UserId uid = kAnn) {
        return now.store().purchase({uid, event, {quantity, quantity}, "", "", name});
    };
    made(buy(*rig, 2, "Zoe"));
    made(buy(*rig, 3, ""));
    made(rig->store().hold({{kBob, event, {1, 1}, "", "", "Zoe"}, 60'000, {}}));
    check_over_restarts(std::move(rig), [&](StoreRig& now) {
        CHECK(refused(buy(now, 1, "Zoe", kBob)) == ErrorKind::kLimitReached);
        CHECK(refused(buy(now, 1, "")) == ErrorKind::kLimitReached);
        CHECK(refused(now.store().hold(hold_for(event))) == ErrorKind::kLimitReached);
        CHECK(refused(buy(now, 4, "new")) == ErrorKind::kLimitReached);
    });
}

TEST_CASE("what a buyer gives back does not count against the limit any more") {
    StoreRig rig;
    const auto event = create(rig, 100, one_buyer(3));
    const auto bought = made(rig.buy(event, 3)).lsn;
    made(cancel(rig, bought, {2}));
    const auto held = made(rig.store().hold(hold_for(event, 2))).lsn;
    CHECK(refused(rig.buy(event, 1)) == ErrorKind::kLimitReached);
    made(change(rig, held, Confirm{1}));
    const auto other = made(rig.store().hold(hold_for(event, 1))).lsn;
    CHECK(refused(rig.buy(event, 1)) == ErrorKind::kLimitReached);
    made(change(rig, other, Release{}));
    made(rig.buy(event, 1));
    CHECK(refused(rig.buy(event, 1)) == ErrorKind::kLimitReached);
    made(rig.buy(event, 1, "", kBob));
}

TEST_CASE("slots are handed out lowest first, held or bought, and again when they return") {
    auto rig = std::make_unique<StoreRig>();
    const auto event = create(*rig, 5, slots());
    const auto first = made(rig->store().hold(hold_for(event, 2)));
    CHECK(first.tickets == TicketNumbers{1, 2});
    CHECK(tickets_after(made(rig->buy(event, 1))) == TicketNumbers{3});
    const auto last = made(rig->store().hold(hold_for(event, 2))).lsn;
    made(change(*rig, first.lsn, Confirm{1}));  // keeps 1, frees 2
    const auto next = made(rig->store().hold(hold_for(event)));
    CHECK(next.tickets == TicketNumbers{2});
    made(change(*rig, next.lsn, Release{}));
    made(cancel(*rig, first.lsn));  // frees 1
    check_over_restarts(std::move(rig), [&](StoreRig& now) {
        CHECK(now.store().state().event(event).slots.taken() == TicketNumbers{3, 4, 5});
        CHECK(now.store().state().find_hold(last)->slots == TicketNumbers{4, 5});
    });
}

TEST_CASE("numbers that several hold apart come back as they were") {
    auto rig = std::make_unique<StoreRig>();
    const auto event = create(*rig, 4, slots());
    const auto first = made(rig->store().hold(hold_for(event))).lsn;
    made(rig->store().hold(hold_for(event)));
    made(change(*rig, first, Release{}));
    const auto apart = made(rig->store().hold(hold_for(event, 2)));
    CHECK(apart.tickets == TicketNumbers{1, 3});
    check_over_restarts(std::move(rig), [&](StoreRig& now) {
        CHECK(now.store().state().find_hold(apart.lsn)->slots == TicketNumbers{1, 3});
    });
}

TEST_CASE("a close that voids holds gives all of them back in one entry") {
    auto rig = std::make_unique<StoreRig>();
    const auto event = create(*rig, 5, slots());
    const auto other = rig->create("other", 5);
    const auto first = made(rig->store().hold(hold_for(event, 2))).lsn;
    made(rig->store().hold(hold_for(event, 1, kBob)));
    made(rig->store().hold(hold_for(other, 1)));
    made(rig->buy(event, 1));
    const auto closed = made(rig->store().change_rules(0, event, Close{true}));
    CHECK(closed.voids_holds);
    CHECK(std::holds_alternative<Unchanged>(rig->store().change_rules(0, event, Close{true})));
    check_over_restarts(std::move(rig), [&](StoreRig& now) {
        CHECK(counts(now, event).held == 0);
        CHECK(counts(now, event).sold == 1);
        CHECK(counts(now, other).held == 1);
        CHECK(now.store().state().event(event).slots.taken() == TicketNumbers{4});
        CHECK(std::holds_alternative<NotHeld>(change(now, first, Confirm{})));
        CHECK(known(now, first).newest.lsn == closed.lsn);
    });
}

TEST_CASE("holds of a closed event can be voided later") {
    StoreRig rig;
    const auto demo = rig.create("demo", 5);
    const auto held = made(rig.store().hold(hold_for(demo, 2))).lsn;
    made(rig.store().change_rules(0, demo, Close{}));
    CHECK(counts(rig, demo).held == 2);
    made(rig.store().change_rules(0, demo, Close{true}));
    CHECK(counts(rig, demo).held == 0);
    CHECK(std::holds_alternative<NotHeld>(change(rig, held, Release{})));
}

TEST_CASE("what a full disk takes back leaves everything as it was before") {
    StoreRig rig;
    const auto event = create(rig, 9, slots());
    const auto order = made(rig.buy(event, 3)).lsn;
    const auto first = made(rig.store().hold(hold_for(event, 2))).lsn;
    made(rig.store().hold(hold_for(event, 1)));
    const auto order_now = known(rig, order);
    const auto before = rig.store().state().event(event);
    const auto holds = rig.store().state().holds();
    const auto buyers = rig.store().state().buyers();

    rig.disk().set_fault([](tests::Operation operation, const auto& name) {
        const bool is_full = operation == tests::Operation::kWrite && name.starts_with("journal");
        return is_full ? tests::MemoryDirectory::Failure{std::make_error_code(
                             std::errc::no_space_on_device)}
                       : tests::MemoryDirectory::Failure{};
    });
    made(rig.store().cancel({kAnn, false, order, {1}, "", ""}, &order_now));
    made(change(rig, first, Confirm{1}));
    made(rig.store().resize_event(0, event, forced(1)));
    made(rig.store().change_rules(0, event, Close{true}));
    CHECK(rig.settle() == StoreRig::Settled::kRolledBack);
    CHECK(rig.store().state().event(event) == before);
    CHECK(rig.store().state().holds() == holds);
    CHECK(rig.store().state().buyers() == buyers);
    CHECK(rig.store().left_of(first).has_value());
    CHECK(newest_entry(rig.store().look_up(first)) == first);
    CHECK(newest_entry(rig.store().look_up(order)) == order);
}
