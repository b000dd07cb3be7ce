// The rules of the box office once more, small and on their own: what the journal must say, and the
// state that it leaves at every LSN. Pure; nothing here knows of clients or files.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/support/raw_ledger.h"

namespace ticketd::testing {

inline constexpr std::uint64_t kForever = UINT64_MAX;

class Model {
  public:
    /// Replays `entries`, which must outlive the model.
    explicit Model(const std::vector<RawEntry>& entries);

    /// Entries that break the rules; nothing behind the first is looked at.
    const std::vector<std::string>& problems() const { return problems_; }

    const RawEntry* entry(std::uint64_t lsn) const;
    /// What a key did, or the promise that it never will; nullptr if there is none.
    const RawEntry* entry_of_key(std::uint32_t uid, const std::string& key) const;

    /// The counts of an event from one change to the next.
    struct View {
        const RawEntry* state;
        std::uint64_t last;  ///< the last LSN at which it was still current
    };
    /// The state that the change `lsn` left; nothing if that is no change of this event.
    std::optional<View> view(const std::string& event, std::uint64_t lsn) const;

    /// An order from one change to the next.
    struct OrderView {
        const RawEntry* first;   ///< made it
        const RawEntry* newest;  ///< said last what it is
        std::uint64_t last;      ///< the last LSN at which it was still so
    };
    /// The order as it was at `lsn`; nothing if there is none, or was none yet.
    std::optional<OrderView> order(std::uint64_t number, std::uint64_t lsn) const;

    struct Event {
        std::string name;
        std::vector<const RawEntry*> changes;        ///< the first created it
        const RawEntry* rules = nullptr;             ///< what set it last
        std::map<std::string, std::uint64_t> owned;  ///< by buyer: held and sold
        std::set<std::uint64_t> taken;               ///< numbers, where they are used again
    };
    struct Hold {
        std::uint32_t event = 0;
        std::uint64_t quantity = 0;
        std::string buyer;
        std::vector<std::uint64_t> numbers;  ///< where they are used again
        std::uint32_t uid = 0;
        std::int64_t expires_ms = 0;
    };
    /// By number.
    const std::vector<Event>& events() const { return events_; }
    const Event* find_event(const std::string& name) const;

  private:
    std::optional<std::string> problem_with(const RawEntry& entry) const;
    std::optional<std::string> problem_with_sale(const RawEntry& entry) const;
    std::optional<std::string> problem_with_limits(const RawEntry& entry) const;
    std::optional<std::string> problem_with_hold(const RawEntry& entry) const;
    std::optional<std::string> problem_with_own_end(const RawEntry& entry) const;
    std::optional<std::string> problem_with_cancellation(const RawEntry& entry) const;
    std::optional<std::string> problem_with_resize(const RawEntry& entry) const;
    std::optional<std::string> problem_with_rules(const RawEntry& entry) const;
    std::optional<std::string> problem_with_numbers(const RawEntry& entry) const;
    std::uint64_t newest(std::uint64_t order) const;
    void end_hold(std::uint64_t order, std::uint64_t sold);
    void apply_to_orders(const RawEntry& entry);
    void apply(const RawEntry& entry);

    const std::vector<RawEntry>& entries_;
    std::vector<std::string> problems_;
    std::vector<Event> events_;
    std::map<std::string, std::size_t> numbers_;
    std::map<std::uint64_t, Hold> holds_;  // those that live, by their orders
    /// All that was said of an order, by its number.
    std::unordered_map<std::uint64_t, std::vector<const RawEntry*>> orders_;
    std::unordered_map<std::string, const RawEntry*> by_key_;
    std::int64_t last_time_ms_ = 0;
};

/// The tickets of the order of which this entry said last what it is.
std::vector<std::uint64_t> tickets_of(const RawEntry& entry);

/// The word for what an order is after this entry.
std::string state_after(const RawEntry& entry);

/// True if nobody asked for it: a hold ended because its time was up, or what it was bound to was
/// no more.
bool is_own_end(const RawEntry& entry, const Model& model);

/// The name of a key among those of all users.
std::string scoped_key(std::uint32_t uid, const std::string& key);

}  // namespace ticketd::testing
