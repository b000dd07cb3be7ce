// Recovery of stores that somebody cut, flipped, swapped or lost parts of. The rule: it comes back
// with everything that was acknowledged, or it refuses to start and changes nothing.
#include "server/store/recovery.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "common/limits.h"
#include "server/store/audit.h"
#include "server/store/checkpoint.h"
#include "server/store/journal_writer.h"
#include "server/store/store_error.h"
#include "tests/support/power_cut.h"
#include "tests/support/sanitized.h"
#include "tests/support/store_rig.h"

using namespace ticketd;
using namespace ticketd::store;
using tests::MemoryDirectory;
using tests::Operation;
using tests::StoreRig;

namespace {

/// Three groups after an unclean stop: event, two sales, one sale. LSN 1 to 4.
std::unique_ptr<MemoryDirectory> small_store() {
    StoreRig rig;
    const auto demo = rig.create("demo", 10);
    rig.settle();
    rig.buy(demo, 1, "a");
    rig.buy(demo, 2, "b");
    rig.settle();
    rig.buy(demo, 3, "c");
    rig.settle();
    auto disk = rig.crash(tests::Unsynced::kLost);
    // One block of the preallocated zeros is as good as all of them, and faster to flip through.
    disk->set_content(StoreRig::kFirstSegment,
                      disk->content(StoreRig::kFirstSegment).substr(0, 4096 * 5));
    return disk;
}

std::unique_ptr<MemoryDirectory> copy_of(const MemoryDirectory& disk) {
    return disk.after_crash(tests::Unsynced::kKept);
}

/// The last LSN that came back, or nothing if the store refused to start; then nothing may have
/// been changed.
std::optional<Lsn> recovered_lsn(MemoryDirectory& disk) {
    const auto before = disk.all();
    try {
        return recover(disk, StoreRig::kSegmentBytes).state.last_lsn();
    } catch (const StoreDamaged&) {
        CHECK(disk.all() == before);
        return std::nullopt;
    }
}

}  // namespace

TEST_CASE("a journal cut at any length comes back up to its last whole group or not at all") {
    const auto original = small_store();
    const auto bytes = original->content(StoreRig::kFirstSegment);
    const std::size_t end = 4096 * 4;
    for (std::size_t size = 0; size <= end; ++size) {
        if (size % 64 > 1 && size % 4096 > 300) continue;  // every length where something changes
        auto disk = copy_of(*original);
        disk->set_content(StoreRig::kFirstSegment, bytes.substr(0, size));
        const auto lsn = recovered_lsn(*disk);
        CAPTURE(size);
        // The checkpoint of the first start is at LSN 0, so a missing header is damage, and a
        // shorter journal cannot be told from one whose power went earlier.
        if (size < 4096) {
            CHECK_FALSE(lsn.has_value());
        } else {
            const Lsn whole[] = {0, 1, 3, 4};
            REQUIRE(lsn.has_value());
            // The bytes of a group matter, the zeros that pad it may be missing only at the end.
            CHECK(*lsn <= 4);
            CHECK(*lsn >= whole[size / 4096 - 1]);
        }
    }
}

TEST_CASE("a flipped bit is damage unless it can only be a torn tail") {
    const auto original = small_store();
    const auto bytes = original->content(StoreRig::kFirstSegment);
    std::size_t ambiguous = 0;
    constexpr std::size_t kStep = testing::kIsSanitized ? 7 : 1;
    for (std::size_t bit = 0; bit < 4096 * 4 * 8; bit += kStep) {
        const auto in_block = bit / 8 % 4096;
        if (in_block > 600 && in_block % 97 != 0) continue;  // padding: a sample is enough
        auto flipped = bytes;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
        auto disk = copy_of(*original);
        disk->set_content(StoreRig::kFirstSegment, flipped);
        const auto lsn = recovered_lsn(*disk);
        CAPTURE(bit);
        if (!lsn) continue;
        // Only the last group, after an unclean stop, may be taken for one that was never synced.
        CHECK(bit / 8 >= 4096 * 3);
        CHECK(*lsn == 3);
        ++ambiguous;
    }
    CHECK(ambiguous > 0);
}

TEST_CASE("after a clean stop no part of the last group may be missing") {
    auto rig = std::make_unique<StoreRig>();
    rig->create("demo", 10);
    const auto original = rig->close();
    const auto bytes = original->content(StoreRig::kFirstSegment);
    for (const std::size_t size : {bytes.size() - 1, std::size_t{4096}, std::size_t{0}}) {
        auto disk = copy_of(*original);
        disk->set_content(StoreRig::kFirstSegment, bytes.substr(0, size));
        CHECK_FALSE(recovered_lsn(*disk).has_value());
    }
}

TEST_CASE("a torn tail is cut, kept aside, and told") {
    auto disk = small_store();
    auto bytes = disk->content(StoreRig::kFirstSegment);
    bytes.replace(4096 * 4, 5, "junk!");
    disk->set_content(StoreRig::kFirstSegment, bytes);
    const auto recovered = recover(*disk, StoreRig::kSegmentBytes);
    CHECK(recovered.state.last_lsn() == 4);
    REQUIRE(recovered.notices.size() == 2);
    CHECK(recovered.notices[0].starts_with("cut a torn tail of 5 bytes"));
    CHECK(disk->content("torn-journal-0000000001-16384") == "junk!");
    CHECK(disk->content(StoreRig::kFirstSegment).size() == 4096 * 5);  // with the footer
}

TEST_CASE("a footer whose sync failed is written again before anything follows it") {
    auto disk = small_store();
    int syncs = 0;
    disk->set_fault([&](Operation operation, const std::string& name) {
        const bool is_footers =
            operation == Operation::kSync && name == StoreRig::kFirstSegment && ++syncs == 2;
        return is_footers ? std::make_error_code(std::errc::io_error) : std::error_code{};
    });
    CHECK_THROWS_AS(recover(*disk, StoreRig::kSegmentBytes), StoreUnavailable);
    disk->set_fault({});
    CHECK(recover(*disk, StoreRig::kSegmentBytes).state.last_lsn() == 4);
    // What the first start had only in the page cache is not lost with the power now.
    disk = disk->after_crash(tests::Unsynced::kLost);
    CHECK(recovered_lsn(*disk) == 4);
    CHECK(recovered_lsn(*disk) == 4);
}

TEST_CASE("the name of a segment is durable before a footer calls for it") {
    auto disk = small_store();
    int syncs = 0;
    disk->set_fault([&](Operation operation, const std::string&) {
        const bool fails = operation == Operation::kSyncDirectory && ++syncs == 2;
        return fails ? std::make_error_code(std::errc::io_error) : std::error_code{};
    });
    CHECK_THROWS_AS(recover(*disk, StoreRig::kSegmentBytes), StoreUnavailable);
    CHECK(disk->exists("journal-0000000002"));
    disk->set_fault({});
    disk->record();
    recover(*disk, StoreRig::kSegmentBytes);
    for (const auto& step : disk->steps()) {
        MemoryDirectory cut{step.after.after_power_cut(tests::all_lost())};
        CHECK(recovered_lsn(cut) == 4);
    }
}

TEST_CASE("the name of the first checkpoint is durable before a second segment is begun") {
    MemoryDirectory disk;
    int syncs = 0;
    disk.set_fault([&](Operation operation, const std::string&) {
        const bool is_checkpoints = operation == Operation::kSyncDirectory && ++syncs == 2;
        return is_checkpoints ? std::make_error_code(std::errc::io_error) : std::error_code{};
    });
    CHECK_THROWS_AS(recover(disk, StoreRig::kSegmentBytes), StoreUnavailable);
    CHECK(disk.exists("checkpoint"));
    disk.set_fault({});
    disk.record();
    recover(disk, StoreRig::kSegmentBytes);
    for (const auto& step : disk.steps()) {
        for (std::uint64_t seed = 0; seed < 20; ++seed) {
            MemoryDirectory cut{step.after.after_power_cut(tests::torn(seed))};
            CHECK(recovered_lsn(cut) == 0);
        }
    }
}

TEST_CASE("half a footer behind the checkpoint is written again") {
    StoreRig rig;
    rig.create("demo", 10);
    auto disk = rig.close();
    disk->set_fault([](Operation operation, const std::string& name) {
        const bool fails = operation == Operation::kWrite && name == StoreRig::kFirstSegment;
        return fails ? MemoryDirectory::Failure{std::make_error_code(std::errc::io_error), 0.001}
                     : MemoryDirectory::Failure{};
    });
    CHECK_THROWS_AS(recover(*disk, StoreRig::kSegmentBytes), StoreUnavailable);
    CHECK(disk->content(StoreRig::kFirstSegment).substr(4096 * 2, 5) ==
          std::string_view{"TKTD\0", 5});
    disk->set_fault({});
    CHECK(recovered_lsn(*disk) == 1);
    CHECK(recovered_lsn(*disk) == 1);
}

TEST_CASE("missing, swapped and foreign files are refused") {
    StoreRig rig{small_store()};
    rig.buy(0, 1, "d");
    rig.settle();
    const auto original = rig.crash(tests::Unsynced::kLost);
    constexpr auto kSecond = "journal-0000000002";
    REQUIRE(original->exists(kSecond));

    const auto damaged = [&](auto change) {
        auto disk = copy_of(*original);
        change(*disk);
        return !recovered_lsn(*disk).has_value();
    };
    CHECK(damaged([&](auto& disk) { disk.erase(StoreRig::kFirstSegment); }));
    CHECK(damaged([&](auto& disk) { disk.erase(kSecond); }));
    CHECK(damaged([&](auto& disk) { disk.erase("checkpoint"); }));
    CHECK(damaged(
        [&](auto& disk) { disk.set_content(kSecond, disk.content(StoreRig::kFirstSegment)); }));
    CHECK(damaged(
        [&](auto& disk) { disk.set_content("journal-0000000003", disk.content(kSecond)); }));
    CHECK(damaged([&](auto& disk) {
        disk.set_content(kSecond, small_store()->content(StoreRig::kFirstSegment));
    }));
    CHECK(damaged(
        [&](auto& disk) { disk.set_content("checkpoint", small_store()->content("checkpoint")); }));
    CHECK_FALSE(damaged([](auto&) {}));
    CHECK_FALSE(damaged([](auto& disk) { disk.erase("stock"); }));
    CHECK_FALSE(damaged([](auto& disk) { disk.set_content("stock", "rubbish"); }));
}

TEST_CASE("a checkpoint that names segments without end is refused at once") {
    auto disk = small_store();
    auto checkpoint = read_checkpoint(*disk);
    checkpoint.position.segment = std::uint64_t{1} << 62;
    REQUIRE_FALSE(write_checkpoint(*disk, checkpoint));
    CHECK_FALSE(recovered_lsn(*disk).has_value());
}

TEST_CASE("a store sells on at the last LSN that it may start from, and does not start behind it") {
    const auto store_at = [](Lsn lsn) {
        auto disk = std::make_unique<MemoryDirectory>();
        Checkpoint base;
        base.position = {0, kBlockBytes, lsn, lsn, 0};
        base.key_floor.lsn = lsn;
        auto start = base.position;
        start.segment = 1;
        REQUIRE_FALSE(begin_segment(*disk, base.store, start, StoreRig::kSegmentBytes).error);
        REQUIRE_FALSE(write_checkpoint(*disk, base));
        return disk;
    };
    StoreRig rig{store_at(limits::kCounterAtStart)};
    const auto demo = rig.create("demo", 10);
    const auto bought = rig.buy(demo, 2, "a");
    CHECK(std::get<Changed>(bought).entry.lsn == limits::kCounterAtStart + 1);
    CHECK(rig.settle() == StoreRig::Settled::kDurable);

    CHECK_FALSE(recovered_lsn(*store_at(limits::kCounterAtStart + 1)).has_value());
    CHECK_FALSE(recovered_lsn(*store_at(~Lsn{0})).has_value());
}

TEST_CASE("the audit recomputes what the store says") {
    const auto disk = small_store();
    const auto report = audit_store(*disk);
    CHECK(report.ok());
    CHECK(report.lsn == 4);
    CHECK(report.orders == 3);
    CHECK(report.sold == 6);
    CHECK(report.available == 4);
    CHECK(report.keys == 3);
}

TEST_CASE("the audit refuses an entry that is replayed twice") {
    Audit audit{StoreId{}, KeyFloor{}, [](Lsn) { return Entry{}; }};
    Entry created;
    created.lsn = 1;
    created.event_name = "demo";
    created.after = {5, 0, 0, 1, 1};
    CHECK(audit.add(created));
    CHECK_FALSE(audit.add(created));
    CHECK_FALSE(std::move(audit).report().ok());
}
