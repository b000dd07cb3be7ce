// The frames of the journal: a segment header, then groups of entries, one group per sync, then,
// once another segment follows, a footer that says so. Every group starts at a multiple of
// kBlockBytes and is padded with zeros to the next, so that no later write touches a block that
// holds acknowledged bytes. Layout: docs/store_format.md, "Journal".
//
// Encoding and checking only; no files.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/box_office/stock.h"

namespace ticketd::store {

/// 128 random bits that every file of a store carries. They seed its checksums too, so bytes of
/// another store never pass for ours.
using StoreId = std::array<char, 16>;

inline constexpr std::uint32_t kFormatVersion = 6;
inline constexpr std::size_t kBlockBytes = 4096;
inline constexpr std::size_t kGroupHeaderBytes = 64;

/// Where the journal goes on: what the next group must say of itself.
struct JournalPosition {
    std::uint64_t segment = 0;  ///< number of the segment, from 1
    std::uint64_t offset = 0;   ///< byte in it at which the next group starts
    std::uint64_t group = 1;    ///< number of the next group, from 1, growing by one
    Lsn lsn = 1;                ///< LSN of the next entry
    std::uint32_t chain = 0;    ///< payload checksum of the group before, seed of the next

    bool operator==(const JournalPosition&) const = default;
};

/// True if a daemon may go on from there: none of its numbers is near the end of its range.
bool has_room_to_count(const JournalPosition& position);

/// "journal-0000000001"
std::string segment_name(std::uint64_t number);
std::optional<std::uint64_t> segment_number(std::string_view file_name);

/// The first block of a segment. `start.offset` is not stored: groups start at kBlockBytes.
std::string segment_header(const StoreId& store, const JournalPosition& start);

struct SegmentHeader {
    StoreId store;
    JournalPosition start;
};
/// Throws StoreDamaged naming `file` if `block` is not a sound header of a version we know.
SegmentHeader read_segment_header(std::string_view block, const std::string& file);

/// The block behind the last group of a segment that another one follows. It is written when that
/// other one is durable, so a segment that has it proves that the next must be there.
std::string segment_footer(const StoreId& store, const JournalPosition& end);
/// True if `block` is the footer that belongs there, behind the last group before `end`.
bool is_segment_footer(const StoreId& store, const JournalPosition& end, std::string_view block);

/// A group as it is written: header, payload, padding. `payload` is `count` entries.
std::string frame_group(const StoreId& store, const JournalPosition& at, std::uint32_t count,
                        std::string_view payload);

struct GroupHeader {
    std::uint64_t segment = 0;
    std::uint64_t group = 0;
    Lsn first_lsn = 0;
    std::uint32_t count = 0;
    std::uint32_t payload_bytes = 0;
    std::uint32_t payload_crc = 0;
    std::uint32_t chain = 0;

    /// Bytes of the whole frame, padding included.
    std::uint64_t frame_bytes() const;
};
/// The header at the front of `bytes`, if its own checksum and bounds hold for this store.
std::optional<GroupHeader> read_group_header(const StoreId& store, std::string_view bytes);

/// True if `payload` is what `header` was written for.
bool payload_matches(const GroupHeader& header, std::string_view payload);

}  // namespace ticketd::store
