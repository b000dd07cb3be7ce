// Bit rot: every bit of a small store flipped, every file cut at every length, lengthened, deleted,
// swapped, replaced by another or by its own past. The store has to come back with everything that
// was acknowledged, mended where it can be, or refuse to start, name file and offset, and change
// nothing. There is one exception, after a stop that was not clean: damage to the last group, and a
// last segment that was cut, look like a write that never ended. How many offsets that are is
// printed.
#include <doctest/doctest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "server/store/checkpoint.h"
#include "server/store/ledger_reader.h"
#include "server/store/segment_reader.h"
#include "server/store/store_error.h"
#include "tests/support/sanitized.h"
#include "tests/support/store_life.h"
#include "tests/support/store_oracle.h"
#include "tests/support/store_rig.h"

using namespace ticketd;
using namespace ticketd::store;
using namespace ticketd::tests;

namespace {

constexpr auto kLastSegment = "journal-0000000003";
const StoreSettings kTiny{.segment_bytes = kTinySegmentBytes};

// Of the bytes that are looked at; order runs are mostly zeros, which have one checksum.
std::size_t stride_of(const std::string& name) {
    if (testing::kIsSanitized) return 61;
    return name.starts_with("orders-") ? 7 : 1;
}

struct GroupPlace {
    std::uint64_t offset = 0;
    Lsn first = 0;
};

/// A store, what it holds, and how it looked before.
struct Sample {
    DiskImage disk;
    Expected expected;
    std::vector<GroupPlace> groups;  // of the last segment
    bool is_clean = false;
    std::vector<DiskImage> past;
};

std::vector<GroupPlace> groups_of(MemoryDirectory& disk, const StoreId& id) {
    const auto file = disk.open(kLastSegment, platform::OpenMode::kReadOnly).file;
    SegmentReader reader{*file, kLastSegment, id, open_segment(*file, kLastSegment, id, 3)};
    std::vector<GroupPlace> groups;
    for (auto next = reader.next(); std::holds_alternative<Group>(next); next = reader.next()) {
        const auto& group = std::get<Group>(next);
        groups.push_back({group.offset, group.entries.front().lsn});
    }
    return groups;
}

/// Without what was reserved or written ahead: a block of zeros is as good as many, and faster to
/// flip through.
void shorten(MemoryDirectory& disk, const std::string& name, std::size_t size) {
    if (disk.content(name).size() > size)
        disk.set_content(name, disk.content(name).substr(0, size));
}

/// Three segments, the last with two groups; a checkpoint behind the second; two key runs, an order
/// run for both.
Sample sample(bool is_clean) {
    Sample made;
    made.is_clean = is_clean;
    StoreRig first{std::make_unique<MemoryDirectory>(), kTiny};
    const auto demo = first.create("demo", 9);
    first.settle();
    first.buy(demo, 1, "a");
    first.buy(demo, 2, "b");
    const auto held = first.store().hold({{7, demo, {1, 1}, "", ""}, 1000, {}});
    const auto order = std::get<Changed>(held).entry.lsn;
    first.store().change_hold({7, false, order, Release{}, ""});
    first.settle();
    StoreRig second{first.close(), kTiny};
    made.past.push_back(second.disk().image());
    second.buy(demo, 1, "c");
    second.settle();
    StoreRig third{second.crash(Unsynced::kKept), kTiny};
    third.wait_for_checkpoint(6);
    third.buy(demo, 1, "d");
    third.settle();
    made.past.push_back(third.disk().image());
    third.buy(demo, 1, "e");
    third.buy(demo, 1);
    third.settle();
    auto disk = is_clean ? third.close() : third.crash(Unsynced::kLost);
    shorten(*disk, kStockFileName, kSlotsOffset + kSlotBytes);
    if (!is_clean) shorten(*disk, kLastSegment, 4 * kBlockBytes);
    const auto id = read_checkpoint(*disk).store;
    LedgerReader{*disk, id}.visit(1, 9, [&](const Entry& entry) {
        made.expected.entries.push_back(entry);
        return true;
    });
    made.expected.durable = 9;
    made.groups = groups_of(*disk, id);
    made.disk = disk->image();
    return made;
}

struct Tally {
    std::uint64_t whole = 0;
    std::uint64_t refused = 0;
    std::set<std::uint64_t> ambiguous;  // offsets in the last segment
    std::uint64_t all() const { return whole + refused + ambiguous.size(); }
};

bool names_place(std::string_view what) {
    for (const auto* file : {"journal-", "checkpoint", "keys-", "orders-"}) {
        if (what.starts_with(file)) return what.find(" at offset ") != std::string::npos;
    }
    return false;
}

/// What became of an order is read when somebody asks, and damage is found then.
std::string problem_or_damage(MemoryDirectory& disk, const Recovered& started,
                              const Expected& expected) {
    try {
        return problem_with(disk, started, expected);
    } catch (const StoreDamaged& damage) {
        const std::string what = damage.what();
        return what.starts_with("orders-") && names_place(what) ? "" : what;
    }
}

/// Starts the damaged store and holds it against the rule. `lost_from` is the first group of the
/// last segment that may be missing, or their number.
void judge(const Sample& sample, const DiskImage& damaged, std::size_t lost_from,
           std::uint64_t offset, Tally& tally) {
    MemoryDirectory disk{damaged};
    std::optional<Recovered> started;
    try {
        started = start_store(disk);
    } catch (const StoreDamaged& damage) {
        const std::string what = damage.what();
        if (!names_place(what)) FAIL_CHECK("does not say where: ", what);
        if (disk.operations() > 0) FAIL_CHECK("refused, and changed something: ", what);
        ++tally.refused;
        return;
    }
    auto expected = sample.expected;
    const bool may_lose = !sample.is_clean && lost_from < sample.groups.size();
    if (may_lose) expected.durable = sample.groups[lost_from].first - 1;
    const auto problem = problem_or_damage(disk, *started, expected);
    if (!problem.empty()) FAIL_CHECK(offset, ": ", problem);
    if (started->state.last_lsn() == sample.expected.durable) {
        ++tally.whole;
    } else {
        tally.ambiguous.insert(offset);
    }
}

/// Calls `visit` with each file's name and bytes.
void for_each_file(const Sample& sample,
                   const std::function<void(const std::string&, const std::string&)>& visit) {
    for (const auto& [name, bytes] : MemoryDirectory{sample.disk}.all())
        visit(name, bytes);
}

DiskImage with(const Sample& sample, const std::string& name, std::string bytes) {
    auto image = sample.disk;
    const auto size = bytes.size();
    image.set(name, {std::move(bytes), size});
    return image;
}

/// The group of the last segment that begins with or before this offset.
std::size_t group_at(const Sample& sample, const std::string& name, std::uint64_t offset) {
    if (name != kLastSegment) return sample.groups.size();
    std::size_t group = 0;
    while (group < sample.groups.size() && sample.groups[group].offset + kBlockBytes <= offset)
        ++group;
    return group;
}

Tally flip(const Sample& store, const std::function<bool(const std::string&)>& is_wanted) {
    Tally tally;
    for_each_file(store, [&](const std::string& name, const std::string& bytes) {
        if (!is_wanted(name)) return;
        CAPTURE(name);
        for (std::size_t at = 0; at < bytes.size(); at += stride_of(name)) {
            // Only the last group of all may be taken for one that was never synced.
            const auto last = store.groups.size() - 1;
            const auto lost = group_at(store, name, at) == last ? last : last + 1;
            for (unsigned bit = 0; bit < 8; ++bit) {
                auto flipped = bytes;
                flipped[at] =
                    static_cast<char>(static_cast<unsigned char>(flipped[at]) ^ (1U << bit));
                judge(store, with(store, name, std::move(flipped)), lost, at, tally);
            }
        }
    });
    return tally;
}

void tell(const std::string& what, const Tally& tally) {
    MESSAGE(what << ": " << tally.refused << " refused, " << tally.whole << " whole, "
                 << tally.ambiguous.size() << " offsets ambiguous");
}

bool is_journal(const std::string& name) {
    return name.starts_with("journal-");
}

}  // namespace

TEST_CASE("flipped bits of the journal after an unclean stop are found, but for the last group") {
    const auto unclean = sample(false);
    const auto tally = flip(unclean, is_journal);
    tell("bits of the journal, unclean stop", tally);
    CHECK(tally.ambiguous.size() <= kBlockBytes);
    CHECK(tally.ambiguous.size() >= kBlockBytes / stride_of(kLastSegment));
}

TEST_CASE("flipped bits of the journal after a clean stop are found") {
    const auto tally = flip(sample(true), is_journal);
    tell("bits of the journal, clean stop", tally);
    CHECK(tally.ambiguous.empty());
}

TEST_CASE("flipped bits of checkpoint and runs are found, those of the stock file mended") {
    const auto tally = flip(sample(false), [](const auto& name) { return !is_journal(name); });
    tell("bits of the other files", tally);
    CHECK(tally.ambiguous.empty());
}

TEST_CASE("files cut at every length are found, but for the last segment after an unclean stop") {
    for (const bool is_clean : {false, true}) {
        const auto store = sample(is_clean);
        Tally tally;
        for_each_file(store, [&](const std::string& name, const std::string& bytes) {
            CAPTURE(name);
            for (std::size_t size = 0; size < bytes.size(); size += stride_of(name)) {
                auto lost = group_at(store, name, size);
                judge(store, with(store, name, bytes.substr(0, size)), lost, size, tally);
            }
        });
        tell(is_clean ? "lengths, clean stop" : "lengths, unclean stop", tally);
        CHECK(tally.ambiguous.empty() == is_clean);
    }
}

TEST_CASE("zeros, junk and old bytes behind a file are found, or cut off") {
    for (const bool is_clean : {false, true}) {
        const auto store = sample(is_clean);
        Tally tally;
        for_each_file(store, [&](const std::string& name, const std::string& bytes) {
            CAPTURE(name);
            std::vector<std::string> tails;
            for (const std::size_t size : {1U, 511U, 512U, 4096U, 9000U}) {
                tails.emplace_back(size, '\0');
                tails.emplace_back(size, '\x5a');
                tails.emplace_back(size, '\xff');
            }
            for_each_file(store, [&](const std::string&, const std::string& other) {
                tails.push_back(other);
                for (std::size_t at = 0; at < other.size(); at += kBlockBytes)
                    tails.push_back(other.substr(at, kBlockBytes));
            });
            for (const auto& tail : tails)
                judge(store, with(store, name, bytes + tail), store.groups.size(), 0, tally);
        });
        tell("things appended", tally);
        CHECK(tally.ambiguous.empty());
    }
}

TEST_CASE("files deleted, swapped, copied over others and taken back from the past are found") {
    for (const bool is_clean : {false, true}) {
        const auto store = sample(is_clean);
        Tally tally;
        const auto all = store.groups.size();
        for_each_file(store, [&](const std::string& name, const std::string& bytes) {
            CAPTURE(name);
            auto without = store.disk;
            without.erase(name);
            judge(store, without, all, 0, tally);
            for_each_file(store, [&](const std::string& other, const std::string& others) {
                CAPTURE(other);
                judge(store, with(store, name, others), all, 0, tally);
                auto swapped = with(store, name, others);
                swapped.set(other, {bytes, bytes.size()});
                judge(store, swapped, all, 0, tally);
            });
            for (const auto& next : {"journal-0000000004", "keys-0000000003", "keys-0000000004",
                                     "orders-0000000003", "checkpoint.new", "next-segment"})
                judge(store, with(store, next, bytes), all, 0, tally);
            for (const auto& image : store.past) {
                if (!image.find(name)) continue;
                const auto past = image.file(*image.find(name)).content();
                // The last segment as it was before its last group: as if that were torn.
                const auto lost = name == kLastSegment ? all - 1 : all;
                auto older = store.disk;
                older.set(name, past);
                judge(store, older, lost, 0, tally);
            }
        });
        tell(is_clean ? "files, clean stop" : "files, unclean stop", tally);
        CHECK(tally.ambiguous.empty() == is_clean);
    }
}

TEST_CASE("a last segment of which blocks were zeroed from its end on has lost groups, no more") {
    const auto store = sample(false);
    Tally tally;
    const auto bytes = MemoryDirectory{store.disk}.content(kLastSegment);
    for (std::size_t from = kBlockBytes; from < bytes.size(); from += 512) {
        auto zeroed = bytes;
        zeroed.replace(from, std::string::npos, bytes.size() - from, '\0');
        judge(store, with(store, kLastSegment, zeroed), group_at(store, kLastSegment, from), from,
              tally);
    }
    tell("zeroed ends", tally);
}
