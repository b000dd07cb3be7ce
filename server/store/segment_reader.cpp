#include "server/store/segment_reader.h"

#include <algorithm>

#include "common/limits.h"
#include "server/store/bytes.h"
#include "server/store/read_range.h"
#include "server/store/store_error.h"

namespace ticketd::store {
namespace {

// A binary search looks at one block here and one there.
constexpr std::size_t kProbeBytes = 2 * kBlockBytes;
// A group and its header fill at most this many blocks.
constexpr std::uint64_t kGroupBlocksMax =
    (limits::kGroupBytes + kGroupHeaderBytes + kBlockBytes - 1) / kBlockBytes;

}  // namespace

SegmentReader::SegmentReader(platform::File& file, std::string name, const StoreId& store,
                             const JournalPosition& start, std::size_t read_ahead_bytes)
    : file_(file),
      name_(std::move(name)),
      store_(store),
      position_(start),
      read_ahead_bytes_(read_ahead_bytes) {}

std::string_view SegmentReader::window(std::uint64_t offset, std::size_t length) {
    const bool inside =
        offset >= buffer_offset_ && offset + length <= buffer_offset_ + buffer_.size();
    if (!inside) {
        buffer_.resize(std::max(length, read_ahead_bytes_));
        buffer_offset_ = offset;
        buffer_.resize(read_range(file_, name_, buffer_, offset));
    }
    return std::string_view{buffer_}.substr(offset - buffer_offset_, length);
}

GroupResult SegmentReader::next() {
    const auto block = window(position_.offset, kBlockBytes);
    if (is_all_zero(block)) return EndOfGroups{};
    if (is_segment_footer(store_, position_, block)) return EndOfGroups{true};
    const auto header = read_group_header(store_, block);
    if (!header) return BrokenGroup{"no valid group header"};
    if (header->segment != position_.segment || header->group != position_.group ||
        header->first_lsn != position_.lsn || header->chain != position_.chain) {
        return BrokenGroup{"a group that does not follow the one before"};
    }
    const auto frame = window(position_.offset, header->frame_bytes());
    if (frame.size() < header->frame_bytes()) return BrokenGroup{"a group cut short"};
    const auto payload = frame.substr(kGroupHeaderBytes, header->payload_bytes);
    if (!payload_matches(*header, payload)) return BrokenGroup{"a group with a wrong checksum"};
    if (!is_all_zero(frame.substr(kGroupHeaderBytes + header->payload_bytes))) {
        return BrokenGroup{"a group whose padding is not zero"};
    }

    Group group{position_.offset, decode(*header, payload)};
    position_.offset += header->frame_bytes();
    position_.group += 1;
    position_.lsn += header->count;
    position_.chain = header->payload_crc;
    return group;
}

std::vector<Entry> SegmentReader::decode(const GroupHeader& header,
                                         std::string_view payload) const {
    std::vector<Entry> entries;
    entries.reserve(header.count);
    while (!payload.empty()) {
        auto entry = take_entry(payload);
        if (!entry || entry->lsn != header.first_lsn + entries.size()) {
            throw StoreDamaged(name_, position_.offset, "an entry that makes no sense");
        }
        entries.push_back(std::move(*entry));
    }
    if (entries.size() != header.count) {
        throw StoreDamaged(name_, position_.offset, "a group with a wrong count");
    }
    return entries;
}

JournalPosition open_segment(platform::File& file, const std::string& name, const StoreId& store,
                             std::uint64_t number) {
    const auto header = read_segment_header(read_range(file, name, 0, kBlockBytes), name);
    if (header.store != store) throw StoreDamaged(name, 16, "a segment of another store");
    if (header.start.segment != number) {
        throw StoreDamaged(name, 32, "says it is segment " + std::to_string(header.start.segment));
    }
    return header.start;
}

JournalPosition find_group(platform::File& file, const std::string& name, const StoreId& store,
                           const JournalPosition& start, Lsn lsn) {
    const auto size = file.size();
    require(size.error, name);
    SegmentReader reader{file, name, store, start, kProbeBytes};
    JournalPosition best = start;
    std::uint64_t low = start.offset / kBlockBytes + 1;
    std::uint64_t high = size.bytes / kBlockBytes;
    while (low < high) {
        const auto middle = low + (high - low) / 2;
        const auto last = std::min(high, middle + kGroupBlocksMax);
        std::optional<GroupHeader> header;
        auto block = middle;
        for (; block < last && !header; ++block) {
            header = read_group_header(store, reader.window(block * kBlockBytes, kBlockBytes));
            if (header && header->segment != start.segment) header.reset();
        }
        if (header && header->first_lsn <= lsn) {
            best = {start.segment, (block - 1) * kBlockBytes, header->group, header->first_lsn,
                    header->chain};
            low = block;
        } else {
            high = middle;
        }
    }
    return best;
}

}  // namespace ticketd::store
