// What JournalWriter says of how far it is durable, at the moments when others act on it.
#include <doctest/doctest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "common/limits.h"
#include "server/store/journal_writer.h"
#include "tests/support/memory_directory.h"
#include "tests/support/store_rig.h"

namespace ticketd::tests {

using store::JournalPosition;

TEST_CASE("journal position: never behind what was reported as durable or as left") {
    MemoryDirectory disk;
    const store::StoreId id{'i', 'd'};
    const JournalPosition start{1, store::kBlockBytes, 1, 1, 0};
    std::mutex mutex;
    std::condition_variable reported;
    Lsn durable = 0;
    std::uint64_t left = 0;
    std::atomic<store::JournalWriter*> writer{nullptr};
    const auto position = [&] { return writer.load()->durable_position(); };

    store::JournalEvents events;
    events.on_durable = [&](Lsn lsn) {
        CHECK(position().lsn == lsn + 1);
        const std::lock_guard lock{mutex};
        durable = lsn;
        reported.notify_all();
    };
    events.on_segment_left = [&](std::uint64_t number) {
        CHECK(position().segment == number + 1);
        CHECK(position().offset == store::kBlockBytes);
        CHECK(position().lsn == durable + 1);
        CHECK(disk.exists(store::segment_name(number + 1)));
        left = number;
    };
    events.on_full = [](std::error_code) {};
    events.on_fatal = [](const std::string& what) { FAIL_CHECK(what); };
    store::JournalWriter journal{disk,
                                 store::begin_segment(disk, id, start, StoreRig::kSegmentBytes),
                                 id,
                                 start,
                                 StoreRig::kSegmentBytes,
                                 events};
    writer = &journal;
    CHECK(journal.durable_position() == start);

    const std::string entry(limits::kEntryBytes, 'e');
    for (Lsn lsn = 1; lsn <= 6000;) {
        for (int i = 0; i < 200; ++i, ++lsn)
            journal.append(entry, 1);
        journal.seal();
        std::unique_lock lock{mutex};
        reported.wait(lock, [&] { return durable == lsn - 1; });
    }
    const auto last = journal.durable_position();
    CHECK(left >= 2);
    CHECK(last.lsn == 6001);
    CHECK(journal.finish() == last);
}

}  // namespace ticketd::tests
