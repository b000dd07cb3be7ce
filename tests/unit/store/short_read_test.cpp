// Reads that give less than there is: never taken for the end of a file, by nobody who reads the
// store. A file that is really cut while it is read, as the daemon cuts a segment that it leaves,
// ends where it was cut.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/store/audit.h"
#include "server/store/checkpoint.h"
#include "server/store/key_run.h"
#include "server/store/ledger_reader.h"
#include "server/store/read_range.h"
#include "server/store/recovery.h"
#include "server/store/segment_reader.h"
#include "server/store/store_error.h"
#include "tests/support/store_rig.h"

using namespace ticketd;
using namespace ticketd::store;
using tests::MemoryDirectory;
using tests::StoreRig;

namespace {

/// After a kill: a full segment with its key run and checkpoint, and one that was being written.
std::unique_ptr<MemoryDirectory> killed_store() {
    StoreRig rig;
    const auto demo = rig.create("demo", 1'000'000);
    rig.wait_for_checkpoint(rig.fill_segment(demo, "k") - 1);
    for (int i = 0; i < 5; ++i) {
        rig.buy(demo);
        rig.settle();
    }
    return rig.crash(tests::Unsynced::kKept);
}

/// Lets no read of the file give anything from `end` on, after so many that may.
void stop_reads(MemoryDirectory& disk, const std::string& file, std::uint64_t end,
                int reads_before = 0) {
    const auto left = std::make_shared<int>(reads_before);
    disk.set_read_limit([file, end, left](const std::string& name, std::uint64_t offset,
                                          std::size_t bytes) -> std::size_t {
        if (name != file || (*left)-- > 0) return bytes;
        return offset >= end ? 0 : std::min<std::uint64_t>(bytes, end - offset);
    });
}

template <typename Read>
std::string problem_of(const Read& read) {
    try {
        read();
    } catch (const StoreUnavailable& error) {
        return error.what();
    }
    return "";
}

std::vector<std::uint64_t> places_in(const std::string& bytes) {
    const auto used = bytes.find_last_not_of('\0') + 1;
    std::vector<std::uint64_t> places{0,
                                      1,
                                      kBlockBytes,
                                      kBlockBytes + 1,
                                      kBlockBytes + 64,
                                      used - 1,
                                      used,
                                      (used + bytes.size()) / 2};
    for (std::uint64_t i = 1; i < 8; ++i)
        places.push_back(used * i / 8 / kBlockBytes * kBlockBytes);
    std::erase_if(places, [&](std::uint64_t place) { return place >= bytes.size(); });
    return places;
}

}  // namespace

TEST_CASE("reading that stops before the end of a file ends the start and changes nothing") {
    const auto disk = killed_store();
    for (const auto& file :
         {segment_name(1), segment_name(2), key_run_name(1), std::string{kCheckpointName}}) {
        for (const auto end : places_in(disk->content(file))) {
            CAPTURE(file);
            CAPTURE(end);
            const auto copy = disk->after_crash(tests::Unsynced::kKept);
            const auto before = copy->all();
            stop_reads(*copy, file, end);
            const auto problem = problem_of([&] { recover(*copy, StoreRig::kSegmentBytes); });
            CHECK(problem == file + ": reading stopped at offset " + std::to_string(end) + " of " +
                                 std::to_string(before.at(file).size()));
            const bool is_untouched = copy->all() == before;
            CHECK(is_untouched);
        }
    }
}

TEST_CASE("a torn tail and a last group that cannot be read again are not written as zeros") {
    const auto disk = killed_store();
    const auto name = segment_name(2);
    auto bytes = disk->content(name);
    const auto end = (bytes.find_last_not_of('\0') / kBlockBytes + 1) * kBlockBytes;
    bytes[end] = 't';
    disk->overwrite(name, bytes);
    const auto all = recover(*disk->after_crash(tests::Unsynced::kKept), StoreRig::kSegmentBytes)
                         .state.last_lsn();
    int failed = 0;
    for (int reads = 0;; ++reads) {
        CAPTURE(reads);
        const auto copy = disk->after_crash(tests::Unsynced::kKept);
        stop_reads(*copy, name, 0, reads);
        if (problem_of([&] { recover(*copy, StoreRig::kSegmentBytes); }).empty()) break;
        ++failed;
        copy->set_read_limit({});
        CHECK(recover(*copy, StoreRig::kSegmentBytes).state.last_lsn() == all);
    }
    CHECK(failed >= 4);  // header, groups, tail, last group
}

TEST_CASE("a store whose first segment cannot be read is not taken for a new one") {
    StoreRig rig;
    rig.buy(rig.create("demo", 10));
    rig.settle();
    const auto disk = rig.crash(tests::Unsynced::kKept);
    disk->erase(kCheckpointName);
    stop_reads(*disk, segment_name(1), kBlockBytes);
    CHECK_FALSE(problem_of([&] { recover(*disk, StoreRig::kSegmentBytes); }).empty());
}

TEST_CASE("the offline check and the ledger's readers tell of reading that stopped") {
    const auto disk = killed_store();
    const auto store = read_checkpoint(*disk).store;
    const auto last = recover(*disk->after_crash(tests::Unsynced::kKept), StoreRig::kSegmentBytes)
                          .state.last_lsn();
    for (const auto& file : {segment_name(1), segment_name(2)}) {
        stop_reads(*disk, file, 2 * kBlockBytes);
        CHECK(problem_of([&] { audit_store(*disk); }).starts_with(file + ": reading stopped"));
        LedgerReader reader{*disk, store};
        const auto read_all = [&] { reader.visit(1, last, [](const Entry&) { return true; }); };
        CHECK(problem_of(read_all).starts_with(file + ": reading stopped"));
    }
}

TEST_CASE("a segment that is cut while it is read ends where it was cut") {
    const auto disk = killed_store();
    const auto name = segment_name(2);
    const auto bytes = disk->content(name);
    const auto used = (bytes.find_last_not_of('\0') / kBlockBytes + 1) * kBlockBytes;
    const auto store = read_checkpoint(*disk).store;
    const auto file = disk->open(name, platform::OpenMode::kReadOnly).file;
    bool is_cut = false;
    disk->set_read_limit([&](const std::string&, std::uint64_t offset, std::size_t length) {
        if (offset > 0 && !std::exchange(is_cut, true)) {
            disk->overwrite(name, bytes.substr(0, used));
        }
        return length;
    });
    SegmentReader reader{*file, name, store, open_segment(*file, name, store, 2)};
    int groups = 0;
    auto result = reader.next();
    for (; std::holds_alternative<Group>(result); result = reader.next())
        ++groups;
    CHECK(std::holds_alternative<EndOfGroups>(result));
    CHECK(is_cut);
    CHECK(groups >= 5);
    CHECK(reader.position().offset == used);
    CHECK(reader.window(used, kBlockBytes).empty());
}

TEST_CASE("a segment that is cut and has grown again while it is read is read on") {
    const auto disk = killed_store();
    const auto name = segment_name(2);
    const auto file = disk->open(name, platform::OpenMode::kReadOnly).file;
    bool is_first = true;
    disk->set_read_limit([&](const std::string&, std::uint64_t, std::size_t length) {
        return std::exchange(is_first, false) ? std::size_t{5000} : length;
    });
    const bool is_whole = read_range(*file, name, 0, 4 * kBlockBytes) ==
                          disk->content(name).substr(0, 4 * kBlockBytes);
    CHECK(is_whole);
}
