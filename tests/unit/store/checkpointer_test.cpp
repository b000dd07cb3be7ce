#include "server/store/checkpointer.h"

#include <doctest/doctest.h>

#include <string>
#include <variant>

#include "server/store/audit.h"
#include "server/store/store_error.h"
#include "tests/support/store_rig.h"

using namespace ticketd;
using namespace ticketd::store;
using tests::MemoryDirectory;
using tests::Operation;
using tests::StoreRig;

TEST_CASE(
    "a checkpoint follows each segment that the journal leaves, and recovery starts from it") {
    StoreRig rig;
    const auto demo = rig.create("demo", 1'000'000);
    Lsn last = 0;
    for (int i = 0; i < 3; ++i)
        last = rig.fill_segment(demo, std::to_string(i) + "-");
    rig.wait_for_checkpoint(last - 1);
    const auto checkpoint = read_checkpoint(rig.disk());
    CHECK(checkpoint.position.segment == 3);
    CHECK(checkpoint.position.lsn == last);
    CHECK(checkpoint.events.at(0).stock.sold == last - 2);
    const auto again = recover(*rig.crash(tests::Unsynced::kLost), StoreRig::kSegmentBytes);
    CHECK(again.notices.at(0).find("replayed 1 entries") != std::string::npos);
    CHECK(again.state.last_lsn() == last);
    CHECK(again.state.keys().size() == last - 1);
    CHECK(again.runs.size() == 3);
}

TEST_CASE("a checkpoint that finds no space is put off, sales go on, and it comes later") {
    StoreRig rig;
    const auto demo = rig.create("demo", 1'000'000);
    rig.disk().set_fault([](Operation operation, const std::string& name) {
        const bool is_checkpoint = name.starts_with("keys") || name.starts_with("checkpoint");
        return operation == Operation::kWrite && is_checkpoint
                   ? std::make_error_code(std::errc::no_space_on_device)
                   : std::error_code{};
    });
    rig.fill_segment(demo, "a");
    const auto last = rig.fill_segment(demo, "b");
    CHECK(rig.store().checkpoints() == 0);
    CHECK(rig.fatal().empty());
    rig.disk().set_fault({});
    rig.wait_for_checkpoint(last - 1);
    CHECK(rig.fatal().empty());
    CHECK(read_checkpoint(rig.disk()).position.segment == 2);
}

TEST_CASE("a checkpoint that cannot be synced, or a segment that was changed, stops the daemon") {
    for (const bool is_sync : {true, false}) {
        StoreRig rig;
        const auto demo = rig.create("demo", 1'000'000);
        rig.buy(demo);
        REQUIRE(rig.settle() == StoreRig::Settled::kDurable);
        if (is_sync) {
            rig.disk().set_fault([](Operation operation, const std::string& name) {
                return operation == Operation::kSync && name == "checkpoint.new"
                           ? std::make_error_code(std::errc::no_space_on_device)
                           : std::error_code{};
            });
        } else {
            auto bytes = rig.disk().content(StoreRig::kFirstSegment);
            bytes[4096 + 70] ^= 1;
            rig.disk().overwrite(StoreRig::kFirstSegment, bytes);
        }
        rig.fill_segment(demo);
        rig.wait_for_checkpoint(UINT64_MAX);
        CHECK(rig.fatal().find(is_sync ? "checkpoint" : "journal-0000000001 at offset 4096") !=
              std::string::npos);
    }
}

TEST_CASE("a clean stop writes one checkpoint, never first one that calls for another segment") {
    for (int round = 0; round < 300; ++round) {
        StoreRig rig;
        rig.create("demo", 10);
        int checkpoints = 0;
        rig.disk().set_fault([&checkpoints](Operation operation, const std::string& name) {
            if (operation == Operation::kRename && name == "checkpoint") ++checkpoints;
            return std::error_code{};
        });
        const auto disk = rig.close();
        disk->set_fault({});
        REQUIRE(checkpoints == 1);
        REQUIRE(read_checkpoint(*disk).stop == Stop::kClean);
    }
}

TEST_CASE("after a clean stop nothing is replayed") {
    StoreRig rig;
    rig.create("demo", 10);
    rig.buy(0, 3, "k");
    const auto disk = rig.close();
    const auto checkpoint = read_checkpoint(*disk);
    CHECK(checkpoint.stop == Stop::kClean);
    CHECK(checkpoint.position.lsn == 3);
    const auto again = recover(*disk, StoreRig::kSegmentBytes);
    CHECK(again.notices.empty());
    CHECK(again.state.event(0).stock.sold == 3);
    CHECK(again.state.keys().size() == 1);
}

TEST_CASE("the audit notices key runs and a checkpoint that do not agree with the journal") {
    StoreRig rig;
    rig.create("demo", 10);
    rig.buy(0, 3, "k");
    rig.buy(0, 1, "l");
    const auto disk = rig.close();
    const auto is_noticed = [&](auto change) {
        const auto copy = disk->after_crash(tests::Unsynced::kKept);
        auto checkpoint = read_checkpoint(*copy);
        auto run = read_key_run(*copy, checkpoint.store, 1);
        change(checkpoint, run);
        REQUIRE_FALSE(write_key_run(*copy, checkpoint.store, run));
        REQUIRE_FALSE(write_checkpoint(*copy, checkpoint));
        return !audit_store(*copy).ok();
    };
    CHECK_FALSE(is_noticed([](Checkpoint&, KeyRun&) {}));
    CHECK(is_noticed([](Checkpoint&, KeyRun& run) { run.items.pop_back(); }));
    CHECK(is_noticed([](Checkpoint&, KeyRun& run) { run.items[0].lsn = 1; }));
    CHECK(is_noticed([](Checkpoint& c, KeyRun&) { c.events[0].stock.capacity += 1; }));
    CHECK(is_noticed([](Checkpoint& c, KeyRun&) {
        const auto [buyer, tickets] = *c.buyers.begin();
        c.buyers.add(buyer, -static_cast<std::int64_t>(tickets));
        c.buyers.add({0, {1, 2}}, static_cast<std::int64_t>(tickets));
    }));
    CHECK(is_noticed([](Checkpoint& c, KeyRun&) { c.events[0].name = "other"; }));
}
