#include "server/store/store.h"

#include <doctest/doctest.h>

#include <string>
#include <variant>

#include "server/store/ledger_reader.h"
#include "server/store/store_error.h"
#include "tests/support/store_rig.h"

using namespace ticketd;
using namespace ticketd::store;
using tests::MemoryDirectory;
using tests::Operation;
using tests::StoreRig;
using Settled = StoreRig::Settled;

namespace {

Entry sold(const ChangeResult& result) {
    REQUIRE(std::holds_alternative<Changed>(result));
    return std::get<Changed>(result).entry;
}

Refused refused(const ChangeResult& result) {
    REQUIRE(std::holds_alternative<Refused>(result));
    return std::get<Refused>(result);
}

ChangeResult buy_when_there_is_space(StoreRig& rig, EventId event, const std::string& key = "") {
    for (;;) {
        auto result = rig.buy(event, 1, key);
        const auto* refusal = std::get_if<Refused>(&result);
        if (refusal == nullptr || refusal->refusal.kind != ErrorKind::kStorageFull) return result;
    }
}

std::error_code no_space() {
    return std::make_error_code(std::errc::no_space_on_device);
}

}  // namespace

TEST_CASE("a sale is durable only after its sync") {
    StoreRig rig;
    const auto demo = rig.create("demo", 2);
    REQUIRE(rig.settle() == Settled::kDurable);
    const auto entry = sold(rig.buy(demo));
    CHECK(entry.lsn == 2);
    CHECK(rig.store().durable_lsn() == 1);
    REQUIRE(rig.settle() == Settled::kDurable);
    CHECK(rig.store().durable_lsn() == 2);
}

TEST_CASE("a refusal rests on the sale that caused it") {
    StoreRig rig;
    const auto demo = rig.create("demo", 1);
    const auto entry = sold(rig.buy(demo));
    const auto refusal = refused(rig.buy(demo));
    CHECK(refusal.refusal.kind == ErrorKind::kSoldOut);
    CHECK(refusal.lsn == entry.lsn);
}

TEST_CASE("a key is answered once, also after a restart") {
    auto rig = std::make_unique<StoreRig>();
    const auto demo = rig->create("demo", 5);
    const auto entry = sold(rig->buy(demo, 2, "k"));
    CHECK(std::get<Replay>(rig->buy(demo, 2, "k")).lsn == entry.lsn);
    CHECK(std::holds_alternative<Changed>(rig->buy(demo, 2, "k", 8)));
    rig->settle();
    StoreRig again{rig->crash(tests::Unsynced::kLost)};
    CHECK(std::get<Replay>(again.buy(demo, 2, "k")).lsn == entry.lsn);
    LedgerReader reader{again.disk(), again.store().id()};
    CHECK(reader.entry(entry.lsn) == entry);
    const auto answers = [&](const store::PurchaseRequest& request) {
        return is_answer_to(entry, request.uid, request.key, image_of(request));
    };
    CHECK(answers({7, demo, {2, 2}, "k", ""}));
    CHECK_FALSE(answers({7, demo, {1, 1}, "k", ""}));
    CHECK_FALSE(answers({7, demo, {2, 2}, "k", "memo"}));
    CHECK_FALSE(answers({8, demo, {2, 2}, "k", ""}));
}

TEST_CASE("a key that was told no stays refused when there is stock again") {
    StoreRig rig;
    const auto demo = rig.create("demo", 0);
    CHECK(refused(rig.buy(demo, 1, "k")).refusal.kind == ErrorKind::kNeverSatisfiable);
    REQUIRE(std::holds_alternative<Changed>(rig.store().resize_event(0, demo, {5})));
    const auto again = refused(rig.buy(demo, 1, "k"));
    CHECK(again.replayed);
    CHECK(again.refusal.kind == ErrorKind::kNeverSatisfiable);
    CHECK(refused(rig.buy(demo, 2, "k")).refusal.kind == ErrorKind::kKeyMismatch);
    CHECK(std::holds_alternative<Changed>(rig.buy(demo, 1, "new")));
}

TEST_CASE("nothing is done while somebody else holds the lock") {
    StoreRig rig;
    const auto demo = rig.create("demo", 2);
    rig.settle();
    rig.disk().hold_locks(true);
    CHECK(std::holds_alternative<LockHeld>(rig.buy(demo, 1, "k")));
    CHECK(std::holds_alternative<LockHeld>(rig.store().query(demo)));
    CHECK(std::holds_alternative<LockHeld>(rig.store().resize_event(0, demo, {9})));
    CHECK(rig.store().state().last_lsn() == 1);
    rig.disk().hold_locks(false);
    CHECK(std::holds_alternative<Changed>(rig.buy(demo, 1, "k")));
}

TEST_CASE("a slot that somebody scribbled on is restored and sells right") {
    StoreRig rig;
    const auto demo = rig.create("demo", 2);
    rig.settle();
    auto scribbler = rig.disk().open("stock", platform::OpenMode::kReadWrite).file;
    REQUIRE_FALSE(scribbler->write_at(std::string(256, '\xff'), kSlotsOffset));
    CHECK(std::get<Counts>(rig.store().query(demo)).stock.available() == 2);
    CHECK(rig.notices().size() == 1);
    CHECK(rig.store().restored_slots() == 1);
    REQUIRE_FALSE(scribbler->truncate(0));
    sold(rig.buy(demo, 2));
    CHECK(refused(rig.buy(demo)).refusal.kind == ErrorKind::kSoldOut);
}

TEST_CASE("a full disk takes the changes back and sells again when there is space") {
    StoreRig rig;
    const auto demo = rig.create("demo", 3);
    sold(rig.buy(demo, 1, "kept"));
    rig.settle();
    rig.disk().set_fault([](Operation operation, const std::string& name) {
        const bool journal = operation == Operation::kWrite && name.starts_with("journal");
        return journal ? no_space() : std::error_code{};
    });
    sold(rig.buy(demo, 2, "lost"));
    CHECK(refused(rig.buy(demo, 1, "no")).lsn == 3);
    REQUIRE(rig.settle() == Settled::kRolledBack);
    CHECK(rig.store().state().last_lsn() == 2);
    CHECK(std::get<Counts>(rig.store().query(demo)).stock.available() == 2);
    CHECK(rig.store().restored_slots() == 0);

    rig.disk().set_fault({});
    // The sync thread finds the space by itself. The refusal of "no" was never told.
    CHECK(sold(buy_when_there_is_space(rig, demo, "no")).lsn == 3);
    CHECK(sold(rig.buy(demo, 1, "lost")).first_serial == 3);
    REQUIRE(rig.settle() == Settled::kDurable);
    CHECK(std::holds_alternative<Replay>(rig.buy(demo, 1, "kept")));
    StoreRig again{rig.crash(tests::Unsynced::kLost)};
    CHECK(again.store().state().last_lsn() == 4);
}

TEST_CASE("a sale that found no space does not come back after a crash") {
    StoreRig rig;
    const auto demo = rig.create("demo", 10);
    rig.settle();
    // The whole group lands, and the call still says that there is no space.
    rig.disk().set_fault([](Operation operation, const std::string& name) {
        const bool journal = operation == Operation::kWrite && name.starts_with("journal");
        return journal ? no_space() : std::error_code{};
    });
    sold(rig.buy(demo, 5));
    REQUIRE(rig.settle() == Settled::kRolledBack);
    StoreRig again{rig.crash(tests::Unsynced::kKept)};
    CHECK(std::get<Counts>(again.store().query(demo)).stock.available() == 10);
}

TEST_CASE("an event that finds no space for its slot is refused and kills nobody") {
    StoreRig rig;
    for (int i = 0; i < 64; ++i)
        rig.create("e" + std::to_string(i), 1);
    rig.settle();
    rig.disk().set_fault([](Operation operation, const std::string& name) {
        return operation == Operation::kAllocate && name == "stock" ? no_space()
                                                                    : std::error_code{};
    });
    const auto result = rig.store().create_event(0, "one-more", 1);
    CHECK(refused(result).refusal.kind == ErrorKind::kStorageFull);
    sold(rig.buy(0));
    CHECK(rig.settle() == Settled::kDurable);
    CHECK(rig.fatal().empty());
}

TEST_CASE("a store starts on a full disk, answers queries, and sells when there is space") {
    StoreRig rig;
    const auto demo = rig.create("demo", 10);
    rig.settle();
    auto disk = rig.crash(tests::Unsynced::kLost);
    disk->set_fault([](Operation operation, const std::string& name) {
        return operation == Operation::kAllocate && name != "stock" ? no_space()
                                                                    : std::error_code{};
    });
    StoreRig full{std::move(disk)};
    CHECK(std::get<Counts>(full.store().query(demo)).stock.available() == 10);
    CHECK(refused(full.buy(demo)).refusal.kind == ErrorKind::kStorageFull);
    full.disk().set_fault({});
    sold(buy_when_there_is_space(full, demo));
    CHECK(full.settle() == Settled::kDurable);
}

TEST_CASE("a key that was told that its event does not exist stays refused") {
    StoreRig rig;
    const PurchaseRequest request{7, UINT32_MAX, {1, 1}, "k", ""};
    CHECK_FALSE(rig.store().find_answer(request).has_value());
    rig.store().remember_not_found(request);
    const auto demo = rig.create("demo", 10);
    CHECK(refused(rig.buy(demo, 1, "k")).refusal.kind == ErrorKind::kNotFound);
    sold(rig.buy(demo, 1, "other"));
}

TEST_CASE("a failed sync is final") {
    for (const auto error : {std::errc::io_error, std::errc::no_space_on_device}) {
        StoreRig rig;
        const auto demo = rig.create("demo", 3);
        rig.settle();
        rig.disk().set_fault([error](Operation operation, const std::string&) {
            return operation == Operation::kSync ? std::make_error_code(error) : std::error_code{};
        });
        sold(rig.buy(demo));
        CHECK(rig.settle() == Settled::kDead);
        CHECK(rig.fatal().find("sync failed") != std::string::npos);
        CHECK(rig.store().durable_lsn() == 1);
    }
}

TEST_CASE("a failed write that is not for space is final") {
    StoreRig rig;
    const auto demo = rig.create("demo", 3);
    rig.settle();
    rig.disk().set_fault([](Operation, const std::string& name) {
        return name.starts_with("journal") ? std::make_error_code(std::errc::io_error)
                                           : std::error_code{};
    });
    sold(rig.buy(demo));
    CHECK(rig.settle() == Settled::kDead);
}

TEST_CASE("changes are refused before the space runs out, and taken again when there is some") {
    StoreRig rig;
    const auto demo = rig.create("demo", 1'000'000);
    rig.settle();
    rig.disk().set_fault([](Operation operation, const std::string&) {
        return operation == Operation::kAllocate ? no_space() : std::error_code{};
    });
    bool full = false;
    for (int i = 0; i < 100'000 && !full; ++i) {
        const auto result = rig.buy(demo);
        full = std::holds_alternative<Refused>(result);
        if (full) CHECK(refused(result).refusal.kind == ErrorKind::kStorageFull);
        if (i % 100 == 0) REQUIRE(rig.settle() == Settled::kDurable);
    }
    REQUIRE(full);
    REQUIRE(rig.settle() == Settled::kDurable);
    CHECK(std::holds_alternative<Counts>(rig.store().query(demo)));
    rig.disk().set_fault({});
    sold(buy_when_there_is_space(rig, demo));
    CHECK(rig.settle() == Settled::kDurable);
}

TEST_CASE("time in the ledger never runs backwards") {
    StoreRig rig;
    rig.clock().set(std::chrono::milliseconds{5000});
    const auto demo = rig.create("demo", 5);
    rig.clock().set(std::chrono::milliseconds{1000});
    CHECK(sold(rig.buy(demo)).time_ms == 5000);
    rig.clock().set(std::chrono::milliseconds{6000});
    CHECK(sold(rig.buy(demo)).time_ms == 6000);
}

TEST_CASE("entries are found by LSN across segments") {
    StoreRig rig;
    const auto demo = rig.create("demo", 1'000'000);
    for (int group = 0; group < 900; ++group) {
        for (int i = 0; i < 25; ++i)
            sold(rig.buy(demo, 1, std::to_string(group * 100 + i)));
        REQUIRE(rig.settle() == Settled::kDurable);
    }
    const auto last = rig.store().durable_lsn();
    CHECK(rig.disk().exists("journal-0000000002"));
    LedgerReader reader{rig.disk(), rig.store().id()};
    for (Lsn lsn = 1; lsn <= last; lsn += 97)
        REQUIRE(reader.entry(lsn).lsn == lsn);
    CHECK(reader.entry(last).lsn == last);
    Lsn expected = 1;
    reader.visit(1, last, [&](const Entry& entry) { return entry.lsn == expected++; });
    CHECK(expected == last + 1);

    // The names of the new segments have to be as durable as what is in them.
    StoreRig again{rig.crash(tests::Unsynced::kLost)};
    CHECK(again.store().state().last_lsn() == last);
}

TEST_CASE("a second owner is turned away") {
    StoreRig rig;
    rig.disk().hold_locks(true);
    CHECK_THROWS_AS((Store{rig.disk(), rig.clock(), {}}), StoreInUse);
}

TEST_CASE("after a clean stop nothing is replayed and nothing is said") {
    auto rig = std::make_unique<StoreRig>();
    const auto demo = rig->create("demo", 5);
    sold(rig->buy(demo, 2));
    StoreRig again{rig->close()};
    CHECK(again.store().notices().empty());
    CHECK(std::get<Counts>(again.store().query(demo)).stock.available() == 3);
}
