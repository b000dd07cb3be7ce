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
        if (is_all_zero(block)) continue;
        last_used = offset + block.find_last_not_of('\0') + 1;
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

/// Behind the footer at `end` there may be zeros: a kill can come when it is written and the space
/// behind it, reserved once, not yet cut off.
void check_footer_is_last(const std::string& name, const JournalPosition& end,
                          std::uint64_t used_bytes) {
    if (used_bytes > kBlockBytes) {
        throw StoreDamaged(name, end.offset + kBlockBytes, "something behind the footer");
    }
}

/// Reads the groups of a segment through to where `next` says that they ended.
void read_through(SegmentReader& reader, const std::string& name, const JournalPosition& next) {
    const auto& at = reader.position();
    while (at.group < next.group) {
        const auto result = reader.next();
        if (const auto* broken = std::get_if<BrokenGroup>(&result)) {
            throw StoreDamaged(name, at.offset, broken->problem);
        }
        if (std::holds_alternative<EndOfGroups>(result)) {
            throw StoreDamaged(name, at.offset, "groups are missing at its end");
        }
    }
    if (at.group != next.group || at.lsn != next.lsn || at.chain != next.chain) {
        throw StoreDamaged(name, at.offset, "does not end where the next segment begins");
    }
}

/// Behind the groups of a segment there is its footer and nothing else.
void check_ended(SegmentReader& reader, const StoreId& store, const std::string& name,
                 std::uint64_t size) {
    const auto result = reader.next();
    const auto* end = std::get_if<EndOfGroups>(&result);
    if (end == nullptr || !end->has_footer) {
        throw StoreDamaged(name, reader.position().offset, "no footer");
    }
    check_footer_is_last(name, reader.position(), inspect_tail(reader, store, name, size, ""));
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

std::uint64_t require_segments(platform::Directory& directory, std::uint64_t at_least) {
    const auto segments = count_segments(directory);
    if (segments < at_least) throw StoreDamaged(segment_name(segments + 1), 0, "missing");
    return segments;
}

JournalEnd read_journal(platform::Directory& directory, const StoreId& store,
                        JournalPosition& position, LedgerState& state, const EntryVisitor& visit,
                        const Progress& progress, Reading reading) {
    const auto first = std::max<std::uint64_t>(position.segment, 1);
    const auto segments = require_segments(directory, first);
    JournalEnd end;
    bool has_footer = true;  // the segment before
    for (auto number = first;; ++number) {
        const auto name = segment_name(number);
        if (progress) progress("segments of the journal", number - 1, segments);
        const auto file = open_left_segment(directory, number);
        enter_segment(*file, name, store, number, position);
        const auto size = size_of(*file, name);
        if (size < position.offset) throw StoreDamaged(name, size, "cut short");
        SegmentReader reader{*file, name, store, position};
        const auto replayed = replay_segment(reader, name, state, visit);
        position = reader.position();
        if (number == segments && reading == Reading::kInUse) return end;
        const auto torn_bytes = inspect_tail(reader, store, name, size, replayed.problem);
        if (replayed.has_footer) {
            if (number == segments) throw StoreDamaged(segment_name(number + 1), 0, "missing");
            check_footer_is_last(name, position, torn_bytes);
            end.unproven_footer = position;
            continue;
        }
        if (number == segments) {
            end.last_group = replayed.last_group;
            end.torn_bytes = torn_bytes;
            if (end.last_group + end.torn_bytes == 0) return end;
            if (!has_footer) {
                throw StoreDamaged(segment_name(number - 1), end.unproven_footer->offset,
                                   "no footer, though the next segment has been written to");
            }
            end.unproven_footer.reset();
            return end;
        }
        if (number + 1 < segments) {
            throw StoreDamaged(name, position.offset,
                               replayed.problem.empty() ? "no footer" : replayed.problem);
        }
        end.unproven_footer = position;
        has_footer = false;
    }
}

void check_left_segments(platform::Directory& directory, const StoreId& store,
                         const JournalPosition& end, std::uint64_t read_bytes,
                         const Progress& progress) {
    auto next = end;
    for (auto number = end.segment; number >= 1; --number) {
        if (progress) progress("segments looked at", end.segment - number, end.segment);
        const auto name = segment_name(number);
        const auto file = open_left_segment(directory, number);
        const auto start = open_segment(*file, name, store, number);
        if (start.lsn > next.lsn || start.group > next.group) {
            throw StoreDamaged(name, 0, "does not fit the segment behind it");
        }
        const auto size = size_of(*file, name);
        if (size <= read_bytes) {
            SegmentReader reader{*file, name, store, start};
            read_through(reader, name, next);
            // What is behind the end of the last one is read_journal()'s affair: a start that was
            // interrupted may have left half a footer there.
            if (number < end.segment) check_ended(reader, store, name, size);
            read_bytes -= size;
        } else {
            read_bytes = 0;
        }
        next = start;
    }
}

}  // namespace ticketd::store
