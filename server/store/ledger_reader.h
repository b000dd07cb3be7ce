// Reads entries of the ledger by LSN, from the segments on disk, old and current: a binary search
// over the segments and one over the blocks of a segment, so an entry of any age costs a bounded
// number of reads (about 2 × log2 of the segments and 12). For one thread;
// the daemon's lookups run on a thread of their own so that a slow disk delays no sale.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>

#include "server/platform/file.h"
#include "server/store/entry.h"
#include "server/store/journal_format.h"

namespace ticketd::store {

class LedgerReader {
  public:
    /// The directory must outlive the reader.
    LedgerReader(platform::Directory& directory, const StoreId& store)
        : directory_(directory), store_(store) {}

    /// Calls `visit` with each entry from `from` to `last` in order, until it returns false.
    /// Precondition: 1 <= from, and `last` is durable. Throws StoreDamaged or StoreUnavailable.
    void visit(Lsn from, Lsn last, const std::function<bool(const Entry&)>& visit);

    /// The entry with this LSN, which must be durable.
    Entry entry(Lsn lsn);

    /// Makes a visit() that runs, and every later one, end soon by throwing StoreUnavailable.
    /// From any thread.
    void stop() { stopped_ = true; }

  private:
    struct Segment {
        std::unique_ptr<platform::File> file;
        JournalPosition start;
    };

    std::optional<Lsn> first_lsn(std::uint64_t number);
    std::uint64_t find_segment(Lsn lsn);
    std::optional<Segment> open(std::uint64_t number);

    platform::Directory& directory_;
    StoreId store_;
    std::atomic<bool> stopped_{false};
    std::map<std::uint64_t, Lsn> first_lsns_;  // of those segments that were looked at
};

}  // namespace ticketd::store
