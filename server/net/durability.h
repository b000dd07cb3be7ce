// Work that may only start once an LSN is durable. Event loop only.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "server/box_office/stock.h"

namespace ticketd::net {

class Durability {
  public:
    /// Is told whether the LSN became durable (true) or was taken back (false).
    using Action = std::function<void(bool)>;

    /// Runs `action` now if `lsn` is durable, else when that is decided.
    void when(Lsn lsn, Action action) {
        if (lsn <= durable_) return action(true);
        waiting_.emplace_back(lsn, std::move(action));
    }

    Lsn durable() const { return durable_; }

    void reached(Lsn durable) {
        durable_ = durable;
        settle([durable](Lsn lsn) { return lsn <= durable; }, true);
    }

    /// Every LSN after the durable one was taken back.
    void rolled_back() {
        settle([](Lsn) { return true; }, false);
    }

  private:
    template <typename Decided>
    void settle(Decided decided, bool outcome) {
        std::vector<std::pair<Lsn, Action>> still_waiting;
        for (auto& item : std::exchange(waiting_, {})) {
            if (decided(item.first)) {
                item.second(outcome);
            } else {
                still_waiting.push_back(std::move(item));
            }
        }
        waiting_.insert(waiting_.end(), std::make_move_iterator(still_waiting.begin()),
                        std::make_move_iterator(still_waiting.end()));
    }

    Lsn durable_ = 0;
    std::vector<std::pair<Lsn, Action>> waiting_;
};

}  // namespace ticketd::net
