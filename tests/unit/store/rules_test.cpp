// An event that is paused, closed or outside its window sells nothing, whatever comes between.
#include <doctest/doctest.h>

#include <memory>

#include "server/store/store.h"
#include "tests/support/store_rig.h"

using namespace ticketd;
using namespace ticketd::store;
using box_office::Close;
using box_office::Pause;
using box_office::Resume;
using box_office::SaleState;
using box_office::Update;
using tests::StoreRig;

namespace {

ErrorKind reason_of(const ChangeResult& result) {
    REQUIRE(std::holds_alternative<Refused>(result));
    return std::get<Refused>(result).refusal.kind;
}

Lsn lsn_of(const ChangeResult& result) {
    REQUIRE(std::holds_alternative<Changed>(result));
    return std::get<Changed>(result).entry.lsn;
}

std::int64_t time_of(const StoreRig& rig) {
    return rig.store().now_ms();
}

}  // namespace

TEST_CASE("a paused event sells nothing until it is resumed, also after a power cut") {
    auto rig = std::make_unique<StoreRig>();
    const auto demo = rig->create("demo", 5);
    lsn_of(rig->store().change_rules(7, demo, Pause{}));
    CHECK(reason_of(rig->buy(demo)) == ErrorKind::kPaused);
    rig->settle();
    StoreRig again{rig->crash(tests::Unsynced::kLost)};
    CHECK(again.store().state().event(demo).rules.state == SaleState::kPaused);
    CHECK(reason_of(again.buy(demo)) == ErrorKind::kPaused);
    lsn_of(again.store().change_rules(7, demo, Resume{}));
    lsn_of(again.buy(demo));
}

TEST_CASE("a change that changes nothing makes no entry and rests on what made it so") {
    StoreRig rig;
    const auto demo = rig.create("demo", 5);
    const auto closed = lsn_of(rig.store().change_rules(7, demo, Close{}));
    const auto again = rig.store().change_rules(7, demo, Close{});
    REQUIRE(std::holds_alternative<Unchanged>(again));
    CHECK(std::get<Unchanged>(again).lsn == closed);
    CHECK(reason_of(rig.store().change_rules(7, demo, Pause{})) == ErrorKind::kWrongState);
    CHECK(reason_of(rig.store().change_rules(7, demo, Update{5, 5})) == ErrorKind::kInvalidParams);
    CHECK(rig.store().state().last_lsn() == closed);
}

TEST_CASE("an event opens and closes when its window says, to the millisecond") {
    StoreRig rig;
    const auto demo = rig.create("demo", 5);
    const auto opens = time_of(rig) + 1000;
    lsn_of(rig.store().change_rules(7, demo, Update{opens, opens + 500}));
    const auto early = rig.buy(demo);
    CHECK(reason_of(early) == ErrorKind::kNotOpen);
    CHECK(std::get<Refused>(early).refusal.wait_ms == 1000);
    rig.clock().advance(std::chrono::milliseconds{999});
    CHECK(reason_of(rig.buy(demo)) == ErrorKind::kNotOpen);
    rig.clock().advance(std::chrono::milliseconds{1});
    lsn_of(rig.buy(demo));
    rig.clock().advance(std::chrono::milliseconds{499});
    lsn_of(rig.buy(demo));
    rig.clock().advance(std::chrono::milliseconds{1});
    CHECK(reason_of(rig.buy(demo)) == ErrorKind::kClosed);
}

TEST_CASE("a clock that is set back does not open again what has closed for somebody") {
    StoreRig rig;
    const auto demo = rig.create("demo", 5);
    const auto closes = time_of(rig) + 1000;
    lsn_of(rig.store().change_rules(7, demo, Update{{}, closes}));
    rig.clock().advance(std::chrono::milliseconds{999});
    lsn_of(rig.buy(demo));  // stamped: the ledger's time never goes back behind it
    rig.clock().set_back(std::chrono::hours{1});
    CHECK(time_of(rig) == closes - 1);
    lsn_of(rig.buy(demo));
    rig.clock().advance(std::chrono::hours{2});
    CHECK(reason_of(rig.buy(demo)) == ErrorKind::kClosed);
}

TEST_CASE("a key that was told the event is not open stays refused when it is") {
    StoreRig rig;
    const auto demo = rig.create("demo", 5);
    lsn_of(rig.store().change_rules(7, demo, Pause{}));
    CHECK(reason_of(rig.buy(demo, 1, "k")) == ErrorKind::kPaused);
    lsn_of(rig.store().change_rules(7, demo, Resume{}));
    const auto again = rig.buy(demo, 1, "k");
    CHECK(reason_of(again) == ErrorKind::kPaused);
    CHECK(std::get<Refused>(again).replayed);
    lsn_of(rig.buy(demo, 1, "other"));
}

TEST_CASE("rules that found no space on the disk are taken back") {
    StoreRig rig;
    const auto demo = rig.create("demo", 5);
    rig.settle();
    rig.disk().set_fault([](tests::Operation operation, const std::string& name) {
        const bool journal = operation == tests::Operation::kWrite && name.starts_with("journal");
        return journal ? std::make_error_code(std::errc::no_space_on_device) : std::error_code{};
    });
    lsn_of(rig.store().change_rules(7, demo, Update{5, {}}));
    lsn_of(rig.store().change_rules(7, demo, Close{}));
    REQUIRE(rig.settle() == StoreRig::Settled::kRolledBack);
    CHECK(rig.store().state().event(demo).rules == box_office::Rules{});
    rig.disk().set_fault({});
    CHECK(rig.store().restored_slots() == 0);
    REQUIRE(std::holds_alternative<Counts>(rig.store().query(demo)));
    CHECK(rig.store().restored_slots() == 0);
}
