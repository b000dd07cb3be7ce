#include "server/store/journal_format.h"

#include "common/limits.h"
#include "server/store/bytes.h"
#include "server/store/checksum.h"
#include "server/store/entry.h"
#include "server/store/store_error.h"
#include "server/store/whole_file.h"

namespace ticketd::store {
namespace {

constexpr std::string_view kSegmentMagic = "TKTDJRNL";
constexpr std::string_view kFooterMagic = "TKTDJEND";
constexpr std::size_t kSegmentCrcOffset = 60;
// Not valid UTF-8, so no text of a client can look like a header.
constexpr std::uint32_t kGroupMagic = 0xF5475254;
constexpr std::string_view kSegmentPrefix = "journal-";

std::uint32_t store_seed(const StoreId& store) {
    return crc32c({store.data(), store.size()});
}

// Header and footer have one layout.
std::string segment_mark(std::string_view magic, const StoreId& store, const JournalPosition& at) {
    std::string block{magic};
    append_number<std::uint32_t>(block, kFormatVersion);
    append_number<std::uint32_t>(block, at.chain);
    block.append(store.data(), store.size());
    append_number<std::uint64_t>(block, at.segment);
    append_number<std::uint64_t>(block, at.lsn);
    append_number<std::uint64_t>(block, at.group);
    append_number<std::uint32_t>(block, 0);
    append_number<std::uint32_t>(block, crc32c(block));
    block.resize(kBlockBytes, '\0');
    return block;
}

}  // namespace

bool has_room_to_count(const JournalPosition& position) {
    return position.segment <= limits::kCounterAtStart &&
           position.group <= limits::kCounterAtStart && position.lsn <= limits::kCounterAtStart;
}

std::string segment_name(std::uint64_t number) {
    return numbered_name(kSegmentPrefix, number);
}

std::optional<std::uint64_t> segment_number(std::string_view file_name) {
    return number_in_name(kSegmentPrefix, file_name);
}

std::string segment_header(const StoreId& store, const JournalPosition& start) {
    return segment_mark(kSegmentMagic, store, start);
}

std::string segment_footer(const StoreId& store, const JournalPosition& end) {
    return segment_mark(kFooterMagic, store, end);
}

bool is_segment_footer(const StoreId& store, const JournalPosition& end, std::string_view block) {
    return block.starts_with(kFooterMagic) && block == segment_footer(store, end);
}

SegmentHeader read_segment_header(std::string_view block, const std::string& file) {
    if (block.size() < kBlockBytes) throw StoreDamaged(file, block.size(), "segment header cut");
    if (!block.starts_with(kSegmentMagic)) throw StoreDamaged(file, 0, "not a journal segment");
    const auto version = number_at<std::uint32_t>(block, 8);
    if (version != kFormatVersion) {
        throw StoreDamaged(file, 8,
                           "format version " + std::to_string(version) + ", this program knows " +
                               std::to_string(kFormatVersion));
    }
    if (crc32c(block.substr(0, kSegmentCrcOffset)) !=
            number_at<std::uint32_t>(block, kSegmentCrcOffset) ||
        !is_all_zero(block.substr(kSegmentCrcOffset + 4, kBlockBytes - kSegmentCrcOffset - 4))) {
        throw StoreDamaged(file, 0, "segment header checksum mismatch");
    }
    SegmentHeader header;
    block.copy(header.store.data(), header.store.size(), 16);
    header.start = {number_at<std::uint64_t>(block, 32), kBlockBytes,
                    number_at<std::uint64_t>(block, 48), number_at<std::uint64_t>(block, 40),
                    number_at<std::uint32_t>(block, 12)};
    if (!has_room_to_count(header.start)) {
        throw StoreDamaged(file, 32, "a position near the end of what can be counted");
    }
    return header;
}

std::string frame_group(const StoreId& store, const JournalPosition& at, std::uint32_t count,
                        std::string_view payload) {
    const auto payload_crc = crc32c(payload, at.chain);
    std::string frame;
    frame.reserve(kGroupHeaderBytes + payload.size() + kBlockBytes);
    append_number<std::uint32_t>(frame, kGroupMagic);
    append_number<std::uint32_t>(frame, 0);  // the header's checksum, below
    append_number<std::uint64_t>(frame, at.segment);
    append_number<std::uint64_t>(frame, at.group);
    append_number<std::uint64_t>(frame, at.lsn);
    append_number<std::uint32_t>(frame, count);
    append_number<std::uint32_t>(frame, static_cast<std::uint32_t>(payload.size()));
    append_number<std::uint32_t>(frame, payload_crc);
    append_number<std::uint32_t>(frame, at.chain);
    frame.resize(kGroupHeaderBytes, '\0');
    put_number<std::uint32_t>(frame, 4, crc32c(frame, store_seed(store)));
    frame += payload;
    frame.resize((frame.size() + kBlockBytes - 1) / kBlockBytes * kBlockBytes, '\0');
    return frame;
}

std::uint64_t GroupHeader::frame_bytes() const {
    return (kGroupHeaderBytes + payload_bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
}

std::optional<GroupHeader> read_group_header(const StoreId& store, std::string_view bytes) {
    if (bytes.size() < kGroupHeaderBytes || number_at<std::uint32_t>(bytes, 0) != kGroupMagic) {
        return std::nullopt;
    }
    std::string image{bytes.substr(0, kGroupHeaderBytes)};
    put_number<std::uint32_t>(image, 4, 0);
    if (crc32c(image, store_seed(store)) != number_at<std::uint32_t>(bytes, 4)) return std::nullopt;
    const GroupHeader header{
        number_at<std::uint64_t>(image, 8),  number_at<std::uint64_t>(image, 16),
        number_at<std::uint64_t>(image, 24), number_at<std::uint32_t>(image, 32),
        number_at<std::uint32_t>(image, 36), number_at<std::uint32_t>(image, 40),
        number_at<std::uint32_t>(image, 44)};
    const bool bounded = header.count >= 1 && header.payload_bytes <= limits::kGroupBytes &&
                         header.payload_bytes >= header.count * kEntryFixedBytes;
    return bounded ? std::optional{header} : std::nullopt;
}

bool payload_matches(const GroupHeader& header, std::string_view payload) {
    return payload.size() == header.payload_bytes &&
           crc32c(payload, header.chain) == header.payload_crc;
}

}  // namespace ticketd::store
