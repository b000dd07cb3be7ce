// The order of steps, and what a crash behind each leaves for the next recovery:
//   1. read the checkpoint and the journal behind it; any damage ends here, nothing was changed
//   2. copy a torn tail aside, sync               the same tail is found and copied again
//   3. cut the last segment at its last good byte, sync    no tail is left
//   4. begin a fresh segment, sync, sync the directory     an empty last segment, read through
//   5. write the checkpoint that points there, sync        this checkpoint is used
// Old segments are never appended to again.
#include "server/store/recovery.h"

#include <sodium.h>

#include <algorithm>

#include "server/store/bytes.h"
#include "server/store/segment_reader.h"
#include "server/store/store_error.h"

namespace ticketd::store {
namespace {

std::vector<std::string> list_files(platform::Directory& directory) {
    auto listed = directory.list();
    require(listed.error, "data directory");
    return std::move(listed.names);
}

/// Numbers of the segments there are. Throws if one is missing.
std::uint64_t count_segments(platform::Directory& directory) {
    std::vector<std::uint64_t> numbers;
    for (const auto& name : list_files(directory)) {
        if (const auto number = segment_number(name)) numbers.push_back(*number);
    }
    std::sort(numbers.begin(), numbers.end());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        if (numbers[i] != i + 1) throw StoreDamaged(segment_name(i + 1), 0, "missing");
    }
    return numbers.size();
}

std::unique_ptr<platform::File> open_file(platform::Directory& directory, const std::string& name,
                                          platform::OpenMode mode) {
    auto opened = directory.open(name, mode);
    require(opened.error, name);
    return std::move(opened.file);
}

std::uint64_t size_of(platform::File& file, const std::string& name) {
    const auto size = file.size();
    require(size.error, name);
    return size.bytes;
}

void apply_checked(LedgerState& state, const Entry& entry, const std::string& file,
                   std::uint64_t offset, const std::function<void(const Entry&)>& visit) {
    if (const auto problem = state.problem_with(entry)) throw StoreDamaged(file, offset, *problem);
    if (visit) visit(entry);
    state.apply(entry);
}

/// Looks at everything behind the last good group. A later group of this store in it proves that
/// the bad one was durable once, because no group is written before the one ahead of it is synced.
TornTail inspect_tail(SegmentReader& reader, const StoreId& store, const std::string& name,
                      std::uint64_t size, const std::string& problem) {
    const auto position = reader.position();
    std::uint64_t last_used = position.offset;
    for (auto offset = position.offset; offset < size; offset += kBlockBytes) {
        const auto block = reader.window(offset, kBlockBytes);
        const auto last = block.find_last_not_of('\0');
        if (last == std::string_view::npos) continue;
        last_used = offset + last + 1;
        const auto header = read_group_header(store, block);
        if (header && header->segment == position.segment && header->group > position.group) {
            throw StoreDamaged(name, position.offset,
                               (problem.empty() ? "a group is missing" : problem) + ", but group " +
                                   std::to_string(header->group) + " at offset " +
                                   std::to_string(offset) + " was written after it");
        }
    }
    return {position.offset, last_used - position.offset};
}

/// Applies the groups of one segment; returns what broke the last one, or "".
std::string read_segment(SegmentReader& reader, const std::string& name, LedgerState& state,
                         const std::function<void(const Entry&)>& visit) {
    for (;;) {
        auto result = reader.next();
        if (auto* broken = std::get_if<BrokenGroup>(&result)) return std::move(broken->problem);
        const auto* group = std::get_if<Group>(&result);
        if (group == nullptr) return "";
        for (const auto& entry : group->entries) {
            apply_checked(state, entry, name, group->offset, visit);
        }
    }
}

/// A new store: random id, no events, a checkpoint that says no segment was begun yet.
void create_store(platform::Directory& directory) {
    StoreId store{};
    randombytes_buf(store.data(), store.size());
    write_checkpoint(directory, store, {0, kBlockBytes, 1, 1, 0}, Stop::kRunning,
                     LedgerState{store});
}

void cut_tail(platform::Directory& directory, const JournalPosition& end, const TornTail& tail,
              std::vector<std::string>& notices) {
    const auto name = segment_name(end.segment);
    auto segment = open_file(directory, name, platform::OpenMode::kReadWrite);
    if (tail.bytes > 0) {
        const auto copy_name = "torn-" + name + "-" + std::to_string(tail.offset);
        std::string bytes(tail.bytes, '\0');
        const auto got = segment->read_at({bytes.data(), bytes.size()}, tail.offset);
        require(got.error, name);
        static_cast<void>(directory.remove(copy_name));  // from a recovery that did not finish
        auto copy = open_file(directory, copy_name, platform::OpenMode::kCreateNew);
        require(copy->write_at(bytes, 0), copy_name);
        require(copy->sync_data(), copy_name);
        require(directory.sync(), copy_name);
        notices.push_back("cut a torn tail of " + std::to_string(tail.bytes) + " bytes off " +
                          name + " at offset " + std::to_string(tail.offset) +
                          "; it was never acknowledged; kept as " + copy_name);
    }
    if (size_of(*segment, name) != end.offset) require(segment->truncate(end.offset), name);
    // Also what was read here may so far be only in the page cache.
    require(segment->sync_data(), name);
}

}  // namespace

TornTail read_journal(platform::Directory& directory, const StoreId& store,
                      JournalPosition& position, LedgerState& state,
                      const std::function<void(const Entry&)>& visit) {
    const auto segments = count_segments(directory);
    if (segments < position.segment) {
        throw StoreDamaged(segment_name(position.segment), 0, "missing");
    }
    if (segments == 0) return {};  // a new store whose first segment was not begun
    for (auto number = std::max<std::uint64_t>(position.segment, 1);; ++number) {
        const auto name = segment_name(number);
        auto file = open_file(directory, name, platform::OpenMode::kReadOnly);
        const auto start = open_segment(*file, name, store, number);
        if (number == position.segment) {
            const bool behind_start = position.offset >= start.offset &&
                                      position.group >= start.group && position.lsn >= start.lsn;
            if (!behind_start) throw StoreDamaged(name, 0, "does not fit the checkpoint");
        } else {
            position.segment = number;
            position.offset = kBlockBytes;
            if (start != position) throw StoreDamaged(name, 0, "does not follow the one before");
        }
        const auto size = size_of(*file, name);
        if (size < position.offset) throw StoreDamaged(name, size, "cut short");
        SegmentReader reader{*file, name, store, position};
        const auto problem = read_segment(reader, name, state, visit);
        position = reader.position();
        const auto tail = inspect_tail(reader, store, name, size, problem);
        if (number == segments) return tail;
        if (tail.bytes > 0) {
            throw StoreDamaged(name, tail.offset,
                               problem.empty() ? "bytes behind the last group" : problem);
        }
    }
}

Recovered recover(platform::Directory& directory, std::uint64_t segment_bytes) {
    const auto names = list_files(directory);
    const auto has = [&names](const std::string& name) {
        return std::find(names.begin(), names.end(), name) != names.end();
    };
    if (!has(kCheckpointName)) {
        const bool used = std::any_of(names.begin(), names.end(), [](const std::string& name) {
            return segment_number(name).has_value();
        });
        if (used) throw StoreDamaged(kCheckpointName, 0, "missing, though there is a journal");
        create_store(directory);
    }
    auto checkpoint = read_checkpoint(directory);
    auto position = checkpoint.position;
    std::vector<std::string> notices;
    const auto tail = read_journal(directory, checkpoint.store, position, checkpoint.state);

    const auto segments = count_segments(directory);
    if (segments > 0) cut_tail(directory, position, tail, notices);
    if (checkpoint.stop == Stop::kRunning && segments > 0) {
        notices.push_back("the last stop was not clean; replayed " +
                          std::to_string(position.lsn - checkpoint.position.lsn) +
                          " entries up to LSN " + std::to_string(position.lsn - 1));
    }
    position.segment = segments + 1;
    position.offset = kBlockBytes;
    auto begun = begin_segment(directory, checkpoint.store, position, segment_bytes);
    require(begun.error, segment_name(position.segment));
    write_checkpoint(directory, checkpoint.store, position, Stop::kRunning, checkpoint.state);
    return {checkpoint.store, std::move(checkpoint.state), position, std::move(begun),
            std::move(notices)};
}

OwnerLock::OwnerLock(platform::Directory& directory) {
    constexpr const char* kName = "owner.lock";
    auto opened = directory.open(kName, platform::OpenMode::kReadWrite);
    if (opened.error == std::errc::no_such_file_or_directory) {
        opened = directory.open(kName, platform::OpenMode::kCreateNew);
        if (opened.error == std::errc::file_exists) {
            opened = directory.open(kName, platform::OpenMode::kReadWrite);
        }
    }
    require(opened.error, kName);
    file_ = std::move(opened.file);
    const auto locked = file_->try_lock(platform::LockKind::kExclusive, {});
    if (locked == platform::LockResult::kHeldElsewhere) throw StoreInUse();
    if (locked == platform::LockResult::kFailed) {
        throw StoreUnavailable(std::string{kName} + ": this file system has no record locks");
    }
}

}  // namespace ticketd::store
