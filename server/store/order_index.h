// The newest entry of every order that changed: of changes behind the last checkpoint in memory, of
// all others in the order runs that it counts. One thread, but for newest_entry().
#pragma once

#include <deque>
#include <unordered_map>

#include "server/store/order_run.h"

namespace ticketd::store {

/// Where the newest entry of an order is to be found, as of one moment.
struct OrderLookup {
    Lsn order = 0;
    Lsn newest = 0;  ///< known; 0: one of the runs knows, or it never changed
    OrderRuns runs;
};

/// Its LSN, which is the order's own if it never changed. Reads files. Thread-safe. Throws
/// StoreDamaged or StoreUnavailable.
inline Lsn newest_entry(const OrderLookup& lookup) {
    if (lookup.newest != 0) return lookup.newest;
    const auto found = find_newest(lookup.runs, lookup.order, lookup.order);
    return found.empty() ? lookup.order : found.begin()->second;
}

class OrderIndex {
  public:
    OrderIndex() = default;
    explicit OrderIndex(OrderRuns runs) : runs_(std::move(runs)) {}

    /// The order was changed by the entry with this LSN, the newest there is.
    void changed(Lsn order, Lsn lsn) {
        recent_[order] = lsn;
        changes_.push_back({order, lsn});
    }

    /// The newest change was taken back; before it, `previous` was the order's newest entry.
    void take_back(Lsn order, Lsn previous) {
        changes_.pop_back();
        if (previous > covered_ && previous != order) {
            recent_[order] = previous;
        } else {
            recent_.erase(order);
        }
    }

    /// These runs know of every change up to this LSN.
    void covered(Lsn lsn, OrderRuns runs) {
        covered_ = lsn;
        runs_ = std::move(runs);
        for (; !changes_.empty() && changes_.front().newest <= lsn; changes_.pop_front()) {
            const auto found = recent_.find(changes_.front().order);
            if (found != recent_.end() && found->second <= lsn) recent_.erase(found);
        }
    }

    /// True if the order has not changed since `lookup` found what it found; false also if that
    /// cannot be told any more.
    bool is_current(const OrderLookup& lookup) const {
        const auto now = look_up(lookup.order);
        return now.newest == lookup.newest && now.runs == lookup.runs;
    }

    OrderLookup look_up(Lsn order) const {
        const auto found = recent_.find(order);
        if (found != recent_.end()) return {order, found->second, {}};
        return {order, 0, runs_};
    }

  private:
    std::unordered_map<Lsn, Lsn> recent_;
    std::deque<OrderItem> changes_;  // behind covered_, in the order of their LSNs
    Lsn covered_ = 0;
    OrderRuns runs_;
};

}  // namespace ticketd::store
