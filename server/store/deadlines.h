// When live holds end, by the clock that nobody can set (Clock::elapsed()): of one event, and of
// all. Memory only. Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "server/box_office/stock.h"

namespace ticketd::store {

/// Why a hold ends.
enum class HoldEnd : std::uint8_t {
    kTime,  ///< its time is up
    kGone,  ///< what it was bound to is no more
};

class Deadlines {
  public:
    using Time = std::chrono::milliseconds;
    struct Deadline {
        EventId event = 0;
        Time at{0};
        HoldEnd why = HoldEnd::kTime;
    };
    struct Due {
        Lsn order = 0;
        HoldEnd why = HoldEnd::kTime;
    };

    /// Nothing if it has no end.
    std::optional<Deadline> find(Lsn order) const;
    /// Sets or changes when a hold ends; nothing: it has no end, or is no more.
    void set(Lsn order, const std::optional<Deadline>& deadline);

    /// When the next hold ends, of the event, or of any; nothing if none does.
    std::optional<Time> next_of(EventId event) const;
    std::optional<Time> next() const;
    /// The event's hold that ends first, if that is now or earlier: a tie has ended.
    std::optional<Due> first_due(EventId event, Time now) const;
    /// Events with holds that end now or earlier.
    std::vector<EventId> due(Time now) const;

  private:
    using OfEvent = std::set<std::pair<Time, Lsn>>;

    void erase(Lsn order, const Deadline& deadline);

    std::unordered_map<Lsn, Deadline> deadlines_;
    std::unordered_map<EventId, OfEvent> by_event_;      // none of them empty
    std::set<std::pair<Time, EventId>> next_of_events_;  // the first of each
};

}  // namespace ticketd::store
