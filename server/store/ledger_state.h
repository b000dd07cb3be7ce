// What the ledger adds up to: every event with its counts, every hold that lives, how many tickets
// each buyer has, and which keys have been answered.
// Entries are applied in LSN order, by the daemon as it makes them, by recovery and by the offline
// check as they read them; whoever applies one has it checked against everything before it.
// Of keys it holds those of the newest entries, from a floor on that rises as keys grow old; a
// state that needs none (the checkpointer's) has its floor at kNoKeys. Memory only. Not
// thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/box_office/hold.h"
#include "server/box_office/stock.h"
#include "server/store/buyer_counts.h"
#include "server/store/entry.h"
#include "server/store/key_index.h"

namespace ticketd::store {

struct Event {
    std::string name;
    box_office::Stock stock;
    box_office::Rules rules = {};
    box_office::Slots slots = {};  ///< where numbers are used again: those somebody has

    bool operator==(const Event&) const = default;
};

/// Those that live, by the number of their order.
using Holds = std::map<Lsn, box_office::Hold>;

/// Keys of entries before `lsn`, which are of `time_ms` or earlier, are past their retention.
struct KeyFloor {
    Lsn lsn = 1;
    std::int64_t time_ms = 0;
};
/// A floor that no entry will ever reach.
inline constexpr KeyFloor kNoKeys{UINT64_MAX, 0};

class LedgerState {
  public:
    /// Keys of entries before `key_floor` are not held.
    explicit LedgerState(const StoreId& store, KeyFloor key_floor = {})
        : store_(store), key_floor_(key_floor) {}

    Lsn last_lsn() const { return last_lsn_; }
    std::int64_t last_time_ms() const { return last_time_ms_; }
    const std::vector<Event>& events() const { return events_; }
    const Event& event(EventId id) const { return events_[id]; }
    std::optional<EventId> find_event(std::string_view name) const;
    const Holds& holds() const { return holds_; }
    /// Nothing if there is no such hold, or it does not live any more.
    const box_office::Hold* find_hold(Lsn order) const;
    std::size_t holds_of(UserId uid) const {
        const auto found = holds_by_uid_.find(uid);
        return found == holds_by_uid_.end() ? 0 : found->second;
    }
    const BuyerCounts& buyers() const { return buyers_; }
    /// `name`: as it was claimed; empty: the user is the buyer.
    box_office::BuyerId buyer(UserId uid, std::string_view name) const;
    const KeyIndex& keys() const { return keys_; }
    KeyDigest digest(UserId uid, std::string_view key) const {
        return last_key_.of(store_, uid, key);
    }

    /// Why `entry` cannot be the next entry of this ledger, or nothing: its LSN and time, the event
    /// it names, the counts it leaves, its serials and its key all have to follow.
    std::optional<std::string> problem_with(const Entry& entry) const;

    /// The orders that `entry`, the next one, changes: one at most, or all that are held of an
    /// event that it closes.
    std::vector<Lsn> changed_by(const Entry& entry) const;

    /// What apply() changed, enough to take it back.
    struct Undo {
        struct OfHold {
            Lsn order = 0;
            std::optional<box_office::Hold> before;  ///< nothing: it did not live
        };
        struct OfBuyer {
            box_office::BuyerId buyer;
            std::int64_t more = 0;
        };
        Lsn lsn = 0;
        std::int64_t last_time_ms = 0;
        std::optional<EventId> event;             ///< the one it changed or created
        std::optional<box_office::Stock> before;  ///< nothing: the event was created
        box_office::Rules rules_before = {};
        box_office::Slots slots_before = {};
        std::optional<KeyDigest> key;
        std::vector<OfHold> holds;
        std::vector<OfBuyer> buyers;
    };
    /// Precondition: no problem_with(entry).
    Undo apply(const Entry& entry);
    /// Takes back the newest applied entry.
    void undo(const Undo& undo);

    /// For recovery: the state without its keys, as a checkpoint holds it. Precondition: empty.
    void restore(std::vector<Event> events, const Holds& holds, BuyerCounts buyers, Lsn last_lsn,
                 std::int64_t last_time_ms);
    /// For recovery: puts the keys of a run back. False if one is there already, or is of an entry
    /// before `from`.
    [[nodiscard]] bool restore_keys(const std::vector<KeyItem>& items, Lsn from);
    void reserve_keys(std::uint64_t keys) { keys_.reserve(keys); }

    const KeyFloor& key_floor() const { return key_floor_; }
    /// Keys of entries before `floor` are forgotten from now on, those held already by and by with
    /// each call of forget_some_keys().
    void raise_key_floor(const KeyFloor& floor);
    /// A short step of forgetting: some thousandths of what there is. False when all is done.
    bool forget_some_keys();

  private:
    struct NameHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view name) const {
            return std::hash<std::string_view>{}(name);
        }
    };

    using Problem = std::optional<std::string>;
    Problem problem_with_creation(const Entry& entry) const;
    Problem problem_with_resize(const Entry& entry) const;
    Problem problem_with_rules(const Entry& entry) const;
    Problem problem_with_new_order(const Entry& entry) const;
    Problem problem_with_change_of_hold(const Entry& entry) const;
    Problem problem_with_cancelled(const Entry& entry) const;
    Problem problem_with_serials(const Entry& entry) const;
    box_office::BuyerId buyer_of(const Entry& entry) const;
    void apply_to_event(const Entry& entry, Undo& undo);
    void apply_to_orders(const Entry& entry, Undo& undo);
    void count_for(EventId event, const box_office::BuyerId& buyer, std::int64_t more, Undo& undo);
    void end_hold(Lsn order, std::uint64_t sold, Undo& undo);
    void put_hold(Lsn order, const box_office::Hold& hold);
    void drop_hold(Lsn order);

    StoreId store_;
    mutable LastDigest last_key_;
    mutable LastDigest last_buyer_;
    KeyFloor key_floor_;
    std::size_t unswept_shards_ = 0;  // of the key index, since the floor was raised
    std::vector<Event> events_;
    std::unordered_map<std::string, EventId, NameHash, std::equal_to<>> ids_;
    Holds holds_;
    std::unordered_map<UserId, std::size_t> holds_by_uid_;  // how many, none of them 0
    BuyerCounts buyers_;
    KeyIndex keys_;
    Lsn last_lsn_ = 0;
    std::int64_t last_time_ms_ = 0;
};

}  // namespace ticketd::store
