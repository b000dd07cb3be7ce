// The order of steps, and what a crash behind each leaves for the next recovery:
//   1. read checkpoint, runs, journal; any damage ends here, nothing was changed
//   2. sync the directory, give the last segment but one its footer, sync     it has it
//   3. copy a torn tail aside, sync                       the same tail is found and copied again
//   4. write the last group once more, cut behind it, sync     no tail is left
//   5. begin a fresh segment, sync, sync the directory    an empty last segment, and step 2
//   6. give the segment before it its footer, sync        an empty last segment, read through
//   7. remove runs that the checkpoint does not count     some are left, removed by the next
// Old segments are never appended to again.
//
// Why step 4: what was read may so far be only in the page cache, and if its sync once failed the
// kernel may hold those pages for clean, so that another sync alone proves nothing. Only the last
// group can be in that state, because no group is written before the one ahead of it is synced. It
// is written over itself with the same bytes, in whole blocks that hold nothing else. And step 2:
// the footer before an empty segment may be in that state too, and is written even if it is there.
#include "server/store/recovery.h"

#include <sodium.h>

#include <algorithm>
#include <future>

#include "common/limits.h"
#include "server/store/bytes.h"
#include "server/store/read_range.h"
#include "server/store/store_error.h"

namespace ticketd::store {
namespace {

// What a backup names its checkpoint until everything else is there.
constexpr const char* kUnfinishedCopy = "checkpoint.unfinished";

std::unique_ptr<platform::File> open_file(platform::Directory& directory, const std::string& name,
                                          platform::OpenMode mode) {
    auto opened = directory.open(name, mode);
    require(opened.error, name);
    return std::move(opened.file);
}

void keep_torn_tail(platform::Directory& directory, platform::File& segment,
                    const std::string& name, std::uint64_t offset, std::uint64_t size) {
    const auto copy_name = "torn-" + name + "-" + std::to_string(offset);
    static_cast<void>(directory.remove(copy_name));  // from a recovery that did not finish
    auto copy = open_file(directory, copy_name, platform::OpenMode::kCreateNew);
    require(copy->write_at(read_range(segment, name, offset, size), 0), copy_name);
    require(copy->sync_data(), copy_name);
    require(directory.sync(), copy_name);
}

/// Makes the end of the journal durable as it was read; the last segment, without a footer yet.
std::unique_ptr<platform::File> settle_end(platform::Directory& directory, const StoreId& store,
                                           const JournalPosition& end, const JournalEnd& found,
                                           std::vector<std::string>& notices) {
    const auto name = segment_name(end.segment);
    // A footer says that the next segment's name is durable, a segment that the checkpoint's is.
    require(directory.sync(), name);
    if (found.unproven_footer) {
        const auto before = segment_name(found.unproven_footer->segment);
        const auto segment = open_file(directory, before, platform::OpenMode::kReadWrite);
        require(end_segment(*segment, store, *found.unproven_footer), before);
    }
    auto segment = open_file(directory, name, platform::OpenMode::kReadWrite);
    if (found.torn_bytes > 0) {
        keep_torn_tail(directory, *segment, name, end.offset, found.torn_bytes);
        notices.push_back("cut a torn tail of " + std::to_string(found.torn_bytes) + " bytes off " +
                          name + " at offset " + std::to_string(end.offset) +
                          "; it was never acknowledged; kept as torn-" + name + "-" +
                          std::to_string(end.offset));
    }
    if (found.last_group > 0) {
        const auto group =
            read_range(*segment, name, found.last_group, end.offset - found.last_group);
        if (found.last_group + group.size() < end.offset) {
            throw StoreUnavailable(name + ": was cut short while it was read");
        }
        require(segment->write_at(group, found.last_group), name);
    }
    require(segment->truncate(end.offset), name);
    // For the footer, which must find space when the next segment has been begun.
    const auto reserved = segment->allocate(end.offset + kBlockBytes);
    if (!is_out_of_space(reserved)) require(reserved, name);
    require(segment->sync_data(), name);
    return segment;
}

/// Reads the run, if that is worth a thread on one of its own, so that one can be read while the
/// last is put to use.
std::future<KeyRun> begin_reading(platform::Directory& directory, const StoreId& store,
                                  std::uint64_t segment, std::launch how) {
    return std::async(
        how, [&directory, store, segment] { return read_key_run(directory, store, segment); });
}

/// Reads the key runs that belong to the checkpoint into `state`.
std::deque<KeyRunSummary> load_keys(platform::Directory& directory, const Checkpoint& checkpoint,
                                    LedgerState& state, const Progress& progress) {
    std::uint64_t bytes = 0;
    const auto first = checkpoint.first_key_run, last = checkpoint.position.segment;
    for (auto segment = first; segment <= last; ++segment) {
        const auto opened = directory.open(key_run_name(segment), platform::OpenMode::kReadOnly);
        if (opened.file) bytes += opened.file->size().bytes;
    }
    state.reserve_keys(bytes / sizeof(KeyItem));
    constexpr std::uint64_t kReadAheadFrom = 1024 * 1024;
    const auto how = bytes >= kReadAheadFrom ? std::launch::async : std::launch::deferred;
    std::deque<KeyRunSummary> runs;
    auto begin_lsn = checkpoint.key_floor.lsn;
    std::future<KeyRun> next;
    if (first <= last) next = begin_reading(directory, checkpoint.store, first, how);
    for (auto segment = first; segment <= last; ++segment) {
        if (progress) progress("key runs", segment - first, last - first + 1);
        const auto run = next.get();
        if (segment < last) next = begin_reading(directory, checkpoint.store, segment + 1, how);
        const bool follows = run.end_lsn >= begin_lsn && run.end_lsn <= checkpoint.position.lsn &&
                             run.newest_ms <= checkpoint.last_time_ms &&
                             state.restore_keys(run.items, begin_lsn);
        if (!follows) throw StoreDamaged(key_run_name(segment), 0, "does not fit the checkpoint");
        begin_lsn = run.end_lsn;
        runs.push_back({segment, run.end_lsn, run.newest_ms});
    }
    if (begin_lsn != checkpoint.position.lsn) {
        throw StoreDamaged(kCheckpointName, 0, "keys are missing");
    }
    return runs;
}

/// Runs that the checkpoint does not count, or no longer; those of later segments are written anew
/// before anything reads them. Precondition: that checkpoint's name is durable.
void remove_leftovers(platform::Directory& directory, const Checkpoint& checkpoint) {
    const auto needed = order_runs_up_to(checkpoint.position.segment);
    for (const auto& name : list_files(directory)) {
        const auto keys = key_run_segment(name), orders = order_run_segment(name);
        const bool is_old = keys && *keys < checkpoint.first_key_run;
        const bool is_merged = orders && *orders < checkpoint.position.segment &&
                               std::find(needed.begin(), needed.end(), *orders) == needed.end();
        if (is_old || is_merged) static_cast<void>(directory.remove(name));
    }
}

bool exists(platform::Directory& directory, const std::string& name) {
    const auto names = list_files(directory);
    return std::find(names.begin(), names.end(), name) != names.end();
}

/// Makes a new store: a random id, the first segment, and then the checkpoint, which says that
/// there has to be one.
Recovered create_store(platform::Directory& directory, std::uint64_t segment_bytes) {
    Checkpoint base;
    randombytes_buf(base.store.data(), base.store.size());
    base.position = {0, kBlockBytes, 1, 1, 0};
    auto position = base.position;
    position.segment = 1;
    auto begun = begin_segment(directory, base.store, position, segment_bytes);
    require(begun.error, segment_name(position.segment));
    require(write_checkpoint(directory, base), kCheckpointName);
    LedgerState state{base.store};
    return {std::move(state), position, std::move(begun), std::move(base), {}, {}, {}, {}};
}

/// Whether the directory holds no store yet: nothing, or what a start left that was interrupted
/// before its checkpoint. Throws StoreDamaged if a checkpoint is missing that must have been there.
bool is_new(platform::Directory& directory) {
    if (exists(directory, kUnfinishedCopy)) {
        throw StoreDamaged(kUnfinishedCopy, 0, "a copy of a store that was not finished");
    }
    if (exists(directory, kCheckpointName)) return false;
    const auto segments = count_segments(directory);
    if (segments == 0) return true;
    const auto name = segment_name(1);
    const auto file = open_file(directory, name, platform::OpenMode::kReadOnly);
    const auto size = file->size();
    require(size.error, name);
    const bool is_empty =
        is_all_zero(read_range(*file, name, kBlockBytes, std::min(size.bytes, 2 * kBlockBytes)));
    if (segments > 1 || !is_empty) {
        throw StoreDamaged(kCheckpointName, 0, "missing, though there is a journal");
    }
    return true;
}

}  // namespace

Recovered recover(platform::Directory& directory, std::uint64_t segment_bytes,
                  const Progress& progress) {
    if (is_new(directory)) return create_store(directory, segment_bytes);
    auto base = read_checkpoint(directory);
    // Before anything is looked for by numbers of the checkpoint, which may be any.
    require_segments(directory, base.position.segment);
    LedgerState state{base.store, base.key_floor};
    state.restore(base.events, base.holds, base.buyers, base.position.lsn - 1, base.last_time_ms);
    auto runs = load_keys(directory, base, state, progress);
    auto order_runs = open_order_runs(directory, base.store, base.position.segment);
    check_left_segments(directory, base.store, base.position, limits::kCheckedAtStartBytes,
                        progress);
    auto position = base.position;
    std::vector<OrderItem> changes;
    const auto note_change = [&changes, &state](const Entry& entry) {
        for (const auto order : state.changed_by(entry))
            changes.push_back({order, entry.lsn});
    };
    const auto end = read_journal(directory, base.store, position, state, note_change, progress);
    if (base.stop == Stop::kRunning && position.segment == base.position.segment) {
        throw StoreDamaged(segment_name(position.segment + 1), 0, "missing");
    }

    std::vector<std::string> notices;
    const auto last = settle_end(directory, base.store, position, end, notices);
    if (base.stop == Stop::kRunning || position.segment > base.position.segment) {
        notices.push_back("the last stop was not clean; replayed " +
                          std::to_string(position.lsn - base.position.lsn) + " entries up to LSN " +
                          std::to_string(position.lsn - 1));
    }
    auto start = position;
    start.segment += 1;
    start.offset = kBlockBytes;
    auto begun = begin_segment(directory, base.store, start, segment_bytes);
    require(begun.error, segment_name(start.segment));
    require(end_segment(*last, base.store, position), segment_name(position.segment));
    remove_leftovers(directory, base);
    return {std::move(state),   start,
            std::move(begun),   std::move(base),
            std::move(runs),    std::move(order_runs),
            std::move(changes), std::move(notices)};
}

}  // namespace ticketd::store
