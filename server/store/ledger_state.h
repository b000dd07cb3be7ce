// What the ledger adds up to: every event with its counts, and which keys have been answered.
// Entries are applied in LSN order, by the daemon as it makes them, by recovery and by the offline
// check as they read them; whoever applies one has it checked against everything before it.
// Memory only. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/box_office/stock.h"
#include "server/store/entry.h"
#include "server/store/key_index.h"

namespace ticketd::store {

struct Event {
    std::string name;
    box_office::Stock stock;
};

class LedgerState {
  public:
    explicit LedgerState(const StoreId& store) : store_(store) {}

    Lsn last_lsn() const { return last_lsn_; }
    std::int64_t last_time_ms() const { return last_time_ms_; }
    const std::vector<Event>& events() const { return events_; }
    const Event& event(EventId id) const { return events_[id]; }
    std::optional<EventId> find_event(std::string_view name) const;
    const KeyIndex& keys() const { return keys_; }
    KeyDigest digest(UserId uid, std::string_view key) const {
        return key_digest(store_, uid, key);
    }

    /// Why `entry` cannot be the next entry of this ledger, or nothing: its LSN and time, the event
    /// it names, the counts it leaves, its serials and its key all have to follow.
    std::optional<std::string> problem_with(const Entry& entry) const;

    /// What apply() changed, enough to take it back.
    struct Undo {
        Lsn lsn = 0;
        EventId event = 0;
        box_office::Stock before;
        bool created = false;
        std::optional<KeyDigest> key;
        std::int64_t last_time_ms = 0;
    };
    /// Precondition: no problem_with(entry).
    Undo apply(const Entry& entry);
    /// Takes back the newest applied entry.
    void undo(const Undo& undo);

    /// For the checkpoint reader: the state as it was written. Precondition: empty state.
    void restore(std::vector<Event> events, KeyIndex keys, Lsn last_lsn, std::int64_t last_time_ms);

  private:
    struct NameHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view name) const {
            return std::hash<std::string_view>{}(name);
        }
    };

    std::optional<std::string> problem_with_sale(const Entry& entry) const;

    StoreId store_;
    std::vector<Event> events_;
    std::unordered_map<std::string, EventId, NameHash, std::equal_to<>> ids_;
    KeyIndex keys_;
    Lsn last_lsn_ = 0;
    std::int64_t last_time_ms_ = 0;
};

}  // namespace ticketd::store
