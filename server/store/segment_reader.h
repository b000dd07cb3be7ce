// Walks the groups of one journal segment, verifying each against the one before. It decides
// nothing about what it finds: whether a broken group is a torn tail or damage is recovery's
// affair. Not thread-safe; File and name must outlive the reader.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "server/platform/file.h"
#include "server/store/entry.h"
#include "server/store/journal_format.h"

namespace ticketd::store {

struct Group {
    std::uint64_t offset = 0;
    std::vector<Entry> entries;
};
/// Nothing but zeros (or nothing at all) where the next group's block would be, or the footer.
struct EndOfGroups {
    bool has_footer = false;
};
/// Something, but not the group that has to come next.
struct BrokenGroup {
    std::string problem;
};
using GroupResult = std::variant<Group, EndOfGroups, BrokenGroup>;

class SegmentReader {
  public:
    /// Bytes read at a time when the whole segment will be.
    static constexpr std::size_t kReadAhead = 256 * 1024;

    /// Starts at a position that is known to be right, such as the segment header's.
    SegmentReader(platform::File& file, std::string name, const StoreId& store,
                  const JournalPosition& start, std::size_t read_ahead_bytes = kReadAhead);

    /// Reads the group at position() and moves behind it; stays where it is at the end or at a
    /// broken group. Throws StoreUnavailable on a read error, StoreDamaged if a group whose
    /// checksums hold contradicts itself (no crash can cause that).
    GroupResult next();

    const JournalPosition& position() const { return position_; }

    /// The bytes [offset, offset + length), fewer at the end of the file. Valid until the next
    /// call.
    std::string_view window(std::uint64_t offset, std::size_t length);

  private:
    std::vector<Entry> decode(const GroupHeader& header, std::string_view payload) const;

    platform::File& file_;
    std::string name_;
    StoreId store_;
    JournalPosition position_;
    std::size_t read_ahead_bytes_;
    std::string buffer_;
    std::uint64_t buffer_offset_ = 0;
};

/// Reads and checks the header of segment `number` of this store. Throws as above, and StoreDamaged
/// if it belongs to another store or another number.
JournalPosition open_segment(platform::File& file, const std::string& name, const StoreId& store,
                             std::uint64_t number);

/// Finds where the group that holds `lsn` starts: a binary search over the blocks of the segment,
/// so the number of reads is bounded whatever its size. Precondition: `lsn` is durable and not
/// below the segment's first.
JournalPosition find_group(platform::File& file, const std::string& name, const StoreId& store,
                           const JournalPosition& start, Lsn lsn);

}  // namespace ticketd::store
