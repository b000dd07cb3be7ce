#include "server/store/journal_scan.h"

#include <algorithm>

#include "server/store/bytes.h"
#include "server/store/store_error.h"

namespace ticketd::store {
namespace {

std::uint64_t size_of(platform::File& file, const std::string& name) {
    const auto size = file.size();
    require(size.error, name);
    return size.bytes;
}

/// Looks at everything behind the last good group; how many bytes of it are not zero. A later group
/// of this store in it proves that the bad one was durable once, because no group is written before
/// the one ahead of it is synced.
std::uint64_t inspect_tail(SegmentReader& reader, const StoreId& store, const std::string& name,
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
    return last_used - position.offset;
}

/// Moves `position` to where the groups of segment `number` start to be read.
void enter_segment(platform::File& file, const std::string& name, const StoreId& store,
                   std::uint64_t number, JournalPosition& position) {
    const auto start = open_segment(file, name, store, number);
    if (number == position.segment) {
        const bool behind_start = position.offset >= start.offset &&
                                  position.group >= start.group && position.lsn >= start.lsn;
        if (!behind_start) throw StoreDamaged(name, 0, "does not fit the checkpoint");
    } else {
        position.segment = number;
        position.offset = kBlockBytes;
        if (start != position) throw StoreDamaged(name, 0, "does not follow the one before");
    }
}

/// A segment with a footer ends with it.
void check_footer_is_last(const SegmentReader& reader, const std::string& name,
                          std::uint64_t size) {
    if (size != reader.position().offset + kBlockBytes) {
        throw StoreDamaged(name, reader.position().offset + kBlockBytes,
                           "something behind the footer");
    }
}

/// Reads a segment that was left through to where `next` says that it ended.
void read_through(platform::File& file, const std::string& name, const StoreId& store,
                  const JournalPosition& start, const JournalPosition& next) {
    SegmentReader reader{file, name, store, start};
    auto result = reader.next();
    while (std::holds_alternative<Group>(result))
        result = reader.next();
    if (const auto* broken = std::get_if<BrokenGroup>(&result)) {
        throw StoreDamaged(name, reader.position().offset, broken->problem);
    }
    const auto& end = reader.position();
    if (end.group != next.group || end.lsn != next.lsn || end.chain != next.chain) {
        throw StoreDamaged(name, end.offset, "groups are missing at its end");
    }
    if (std::get<EndOfGroups>(result).has_footer) {
        check_footer_is_last(reader, name, size_of(file, name));
    } else if (inspect_tail(reader, store, name, size_of(file, name), "") > 0) {
        throw StoreDamaged(name, end.offset, "bytes behind the last group");
    }
}

}  // namespace

std::vector<std::string> list_files(platform::Directory& directory) {
    auto listed = directory.list();
    require(listed.error, "data directory");
    return std::move(listed.names);
}

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

JournalEnd read_journal(platform::Directory& directory, const StoreId& store,
                        JournalPosition& position, LedgerState& state, const EntryVisitor& visit,
                        const Progress& progress) {
    const auto segments = count_segments(directory);
    if (segments < std::max<std::uint64_t>(position.segment, 1)) {
        throw StoreDamaged(segment_name(segments + 1), 0, "missing");
    }
    JournalEnd end;
    for (auto number = std::max<std::uint64_t>(position.segment, 1);; ++number) {
        const auto name = segment_name(number);
        if (progress) progress("segments of the journal", number - 1, segments);
        const auto file = open_left_segment(directory, number);
        enter_segment(*file, name, store, number, position);
        const auto size = size_of(*file, name);
        if (size < position.offset) throw StoreDamaged(name, size, "cut short");
        SegmentReader reader{*file, name, store, position};
        const auto replayed = replay_segment(reader, name, state, visit);
        position = reader.position();
        if (replayed.has_footer) {
            check_footer_is_last(reader, name, size);
            if (number == segments) throw StoreDamaged(segment_name(number + 1), 0, "missing");
            continue;
        }
        const auto torn_bytes = inspect_tail(reader, store, name, size, replayed.problem);
        if (number == segments) {
            end.last_group = replayed.last_group;
            end.torn_bytes = torn_bytes;
            if (end.without_footer && end.last_group + end.torn_bytes > 0) {
                throw StoreDamaged(segment_name(number - 1), end.without_footer->offset,
                                   "no footer, though the next segment has been written to");
            }
            return end;
        }
        if (number + 1 < segments) {
            throw StoreDamaged(name, position.offset,
                               replayed.problem.empty() ? "no footer" : replayed.problem);
        }
        end.without_footer = position;
    }
}

void check_left_segments(platform::Directory& directory, const StoreId& store,
                         const JournalPosition& end, std::uint64_t read_bytes) {
    auto next = end;
    for (auto number = end.segment; number >= 1; --number) {
        const auto name = segment_name(number);
        const auto file = open_left_segment(directory, number);
        const auto start = open_segment(*file, name, store, number);
        if (start.lsn > next.lsn || start.group > next.group) {
            throw StoreDamaged(name, 0, "does not fit the segment behind it");
        }
        const auto size = size_of(*file, name);
        if (size <= read_bytes) {
            read_through(*file, name, store, start, next);
            read_bytes -= size;
        } else {
            read_bytes = 0;
        }
        next = start;
    }
}

}  // namespace ticketd::store
