#include <doctest/doctest.h>

#include <string>
#include <variant>

#include "common/limits.h"
#include "server/store/audit.h"
#include "server/store/ledger_reader.h"
#include "tests/support/store_rig.h"

using namespace ticketd;
using namespace ticketd::store;
using tests::StoreRig;

namespace {

constexpr UserId kBuyer = 7;

Lsn abandoned(const ChangeResult& result) {
    REQUIRE(std::holds_alternative<Changed>(result));
    CHECK(std::get<Changed>(result).entry.type == EntryType::kKeyAbandoned);
    return std::get<Changed>(result).entry.lsn;
}

}  // namespace

TEST_CASE("an abandoned key never buys, whatever comes later, also after a crash") {
    auto rig = std::make_unique<StoreRig>();
    const auto demo = rig->create("demo", 5);
    const auto lsn = abandoned(rig->store().abandon(kBuyer, "k"));
    CHECK(std::get<Replay>(rig->buy(demo, 1, "k")).lsn == lsn);
    REQUIRE(rig->settle() == StoreRig::Settled::kDurable);
    StoreRig again{rig->crash(tests::Unsynced::kLost)};
    CHECK(std::get<Replay>(again.buy(demo, 1, "k")).lsn == lsn);
    CHECK(std::get<Replay>(again.store().abandon(kBuyer, "k")).lsn == lsn);
    CHECK(again.store().state().event(demo).stock.sold == 0);
    LedgerReader reader{again.disk(), again.store().id()};
    CHECK(reader.entry(lsn).key == "k");
    CHECK(audit_store(*again.close()).ok());
}

TEST_CASE("a key that bought something cannot be abandoned any more, and tells what it bought") {
    StoreRig rig;
    const auto demo = rig.create("demo", 5);
    const auto sale = std::get<Changed>(rig.buy(demo, 2, "k")).entry;
    CHECK(std::get<Replay>(rig.store().abandon(kBuyer, "k")).lsn == sale.lsn);
}

TEST_CASE("a key that was told no can be abandoned for good") {
    StoreRig rig;
    const auto demo = rig.create("demo", 1);
    rig.buy(demo, 1);
    CHECK(std::holds_alternative<Refused>(rig.buy(demo, 1, "k")));
    const auto lsn = abandoned(rig.store().abandon(kBuyer, "k"));
    CHECK(std::get<Replay>(rig.buy(demo, 1, "k")).lsn == lsn);
}

TEST_CASE("abandoning a key leaves that of another user alone, and needs no event") {
    StoreRig rig;
    abandoned(rig.store().abandon(kBuyer, "k"));
    const auto demo = rig.create("demo", 1);
    CHECK(std::holds_alternative<Changed>(rig.buy(demo, 1, "k", kBuyer + 1)));
}

TEST_CASE("an abandonment that found no space is taken back, and the key may buy") {
    StoreRig rig;
    const auto demo = rig.create("demo", 1);
    REQUIRE(rig.settle() == StoreRig::Settled::kDurable);
    rig.disk().set_fault([](tests::Operation operation, const std::string&) {
        return operation == tests::Operation::kWrite
                   ? std::make_error_code(std::errc::no_space_on_device)
                   : std::error_code{};
    });
    abandoned(rig.store().abandon(kBuyer, "k"));
    REQUIRE(rig.settle() == StoreRig::Settled::kRolledBack);
    rig.disk().set_fault({});
    while (!std::holds_alternative<Changed>(rig.buy(demo, 1, "k"))) {
    }
    CHECK(rig.settle() == StoreRig::Settled::kDurable);
}
