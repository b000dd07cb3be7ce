// Which entry said last what became of an order, for orders that changed after the entry that began
// them. Most never do, and any may years later; so it is kept on disk, in runs beside the journal,
// each written once, when the journal has left a segment, and never changed.
//
// The run of segment N covers the segments after N - b up to N, where b is the lowest bit of N, as
// in a Fenwick tree (P. Fenwick, 1994): runs N, N - b, ... down to 0 together cover all of them
// once, so at most log2(N) are looked into, and an item is written again at most log2(N) times.
// Layout: docs/store_format.md, "Order runs".
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/platform/file.h"
#include "server/store/journal_format.h"

namespace ticketd::store {

struct OrderItem {
    Lsn order = 0;
    Lsn newest = 0;  ///< the entry that said last what became of it

    bool operator==(const OrderItem&) const = default;
};

/// "orders-0000000001"
std::string order_run_name(std::uint64_t segment);
std::optional<std::uint64_t> order_run_segment(std::string_view file_name);
/// The segments whose runs cover everything up to `segment`, newest first.
std::vector<std::uint64_t> order_runs_up_to(std::uint64_t segment);

/// A run on disk. Thread-safe.
class OrderRun {
  public:
    /// Checks the header. `directory` must outlive the run. Throws StoreDamaged or
    /// StoreUnavailable.
    static std::shared_ptr<const OrderRun> open(platform::Directory& directory,
                                                const StoreId& store, std::uint64_t segment);

    std::uint64_t segment() const { return segment_; }
    std::uint64_t items() const { return items_; }
    std::uint64_t blocks() const;
    /// What it knows of the orders from `first` to `last`, in order: about log2(blocks()) reads,
    /// and one for each block of them. Throws as open().
    std::vector<OrderItem> find(Lsn first, Lsn last) const;
    /// The items of a block, in order. Throws as open().
    std::vector<OrderItem> read_block(std::uint64_t number) const;

  private:
    OrderRun(std::unique_ptr<platform::File> file, const StoreId& store, std::uint64_t segment,
             std::uint64_t items)
        : file_(std::move(file)), store_(store), segment_(segment), items_(items) {}

    std::uint64_t first_block_for(Lsn order) const;

    mutable std::mutex mutex_;  // guards file_
    const std::unique_ptr<platform::File> file_;
    const StoreId store_;
    const std::uint64_t segment_;
    const std::uint64_t items_;
};

/// Those that cover everything up to some segment, newest first.
using OrderRuns = std::vector<std::shared_ptr<const OrderRun>>;

/// Opens order_runs_up_to(segment). Throws as OrderRun::open().
OrderRuns open_order_runs(platform::Directory& directory, const StoreId& store,
                          std::uint64_t segment);

/// The newest entry of each order from `first` to `last` that any of the runs knows of. Throws as
/// OrderRun::open().
std::map<Lsn, Lsn> find_newest(const OrderRuns& runs, Lsn first, Lsn last);

/// Writes the run of `segment` from what changed in it (by order, each once) and from those of
/// `before`, the runs up to the segment before, that it covers. Durable on success, the name too.
/// The error is that of the first step that failed; nothing is there then, or a whole run. Throws
/// as OrderRun::open().
[[nodiscard]] std::error_code write_order_run(platform::Directory& directory, const StoreId& store,
                                              std::uint64_t segment,
                                              const std::vector<OrderItem>& changed,
                                              const OrderRuns& before);

}  // namespace ticketd::store
