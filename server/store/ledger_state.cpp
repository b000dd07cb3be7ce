#include "server/store/ledger_state.h"

#include <algorithm>

#include "common/check.h"
#include "common/limits.h"
#include "server/box_office/decide.h"

namespace ticketd::store {

std::optional<EventId> LedgerState::find_event(std::string_view name) const {
    const auto found = ids_.find(name);
    return found == ids_.end() ? std::nullopt : std::optional{found->second};
}

const box_office::Hold* LedgerState::find_hold(Lsn order) const {
    const auto found = holds_.find(order);
    return found == holds_.end() ? nullptr : &found->second;
}

std::optional<std::string> LedgerState::problem_with(const Entry& entry) const {
    if (entry.lsn != last_lsn_ + 1) {
        return "LSN " + std::to_string(entry.lsn) + " after " + std::to_string(last_lsn_);
    }
    if (entry.time_ms < last_time_ms_) return "time runs backwards";
    if (!entry.key.empty() && keys_.find(digest(entry.uid, entry.key))) {
        return "a key that was answered before";
    }
    if (entry.type == EntryType::kKeyAbandoned) return std::nullopt;
    if (!is_sound(entry.after) || entry.after.lsn != entry.lsn) return "unsound counts";
    if (entry.type == EntryType::kEventCreated) {
        if (entry.event != events_.size() || entry.event >= limits::kEvents) {
            return "event number out of order";
        }
        if (ids_.contains(entry.event_name)) return "an event of this name exists";
        const auto& after = entry.after;
        if (after.held != 0 || after.sold != 0 || after.next_serial != 1) {
            return "a new event that has sold";
        }
        if (entry.rules.state != box_office::SaleState::kOpen) return "a new event not open";
        return std::nullopt;
    }
    if (entry.event >= events_.size()) return "no such event";
    if (begins_order(entry.type)) return problem_with_sale(entry);
    if (changes_order(entry.type)) return problem_with_change_of_order(entry);
    if (sets_rules(entry.type)) return problem_with_rules(entry);
    const auto& before = events_[entry.event].stock;
    if (entry.after.held != before.held || entry.after.sold != before.sold ||
        entry.after.next_serial != before.next_serial) {
        return "a resize that changed more than the capacity";
    }
    return std::nullopt;
}

// Or a hold.
std::optional<std::string> LedgerState::problem_with_sale(const Entry& entry) const {
    const auto& [name, stock, rules] = events_[entry.event];
    const auto limit = rules.terms.order_limit;
    if (limit != 0 && entry.granted > limit) return "more than the event has for one order";
    auto expected = stock;
    if (entry.type == EntryType::kHeld) {
        if (holds_.size() >= limits::kHolds) return "more holds than there can be";
        expected.held += entry.granted;
    } else {
        if (entry.first_serial != expected.next_serial) return "serials that do not follow";
        expected.sold += entry.granted;
        expected.next_serial += entry.granted;
    }
    expected.lsn = entry.lsn;
    if (entry.after != expected) return "counts that do not follow from the sale";
    return std::nullopt;
}

std::optional<std::string> LedgerState::problem_with_change_of_order(const Entry& entry) const {
    const auto* hold = find_hold(entry.order);
    if (hold == nullptr || hold->event != entry.event) return "a hold that does not live";
    if (hold->last != entry.previous) return "another state of the hold than it was in";
    auto expected = events_[entry.event].stock;
    if (entry.type != EntryType::kExtended) expected = give_back(expected, hold->quantity);
    if (entry.type == EntryType::kConfirmed) {
        if (entry.granted > hold->quantity) return "more sold than was held";
        if (entry.first_serial != expected.next_serial) return "serials that do not follow";
        expected.sold += entry.granted;
        expected.next_serial += entry.granted;
    }
    if (entry.type == EntryType::kExpired && hold->expires_ms == 0) {
        return "the time of a hold that has no end was up";
    }
    expected.lsn = entry.lsn;
    if (entry.after != expected) return "counts that do not follow from what became of the hold";
    return std::nullopt;
}

// It must be what the change of its type makes of the rules before, and more than nothing.
std::optional<std::string> LedgerState::problem_with_rules(const Entry& entry) const {
    const auto& event = events_[entry.event];
    auto expected = event.stock;
    expected.lsn = entry.lsn;
    if (entry.after != expected) return "a change of the rules that changed counts";
    const auto& [state, window, terms] = entry.rules;
    box_office::RulesChange change =
        box_office::Update{window.opens_ms, window.closes_ms, terms.line,
                           terms.closes_when_sold_out, terms.order_limit};
    if (entry.type == EntryType::kEventPaused) change = box_office::Pause{};
    if (entry.type == EntryType::kEventResumed) change = box_office::Resume{};
    if (entry.type == EntryType::kEventClosed) change = box_office::Close{};
    const auto decided = decide(event.rules, change);
    const auto* after = std::get_if<box_office::Rules>(&decided);
    if (after == nullptr || *after != entry.rules || *after == event.rules) {
        return "rules that do not follow";
    }
    return std::nullopt;
}

LedgerState::Undo LedgerState::apply(const Entry& entry) {
    Undo undo;
    undo.lsn = entry.lsn;
    undo.last_time_ms = last_time_ms_;
    if (entry.type == EntryType::kEventCreated) {
        undo.event = entry.event;
        events_.push_back({entry.event_name, entry.after, entry.rules});
        ids_.emplace(entry.event_name, entry.event);
    } else if (concerns_event(entry.type)) {
        undo.event = entry.event;
        auto& event = events_[entry.event];
        undo.before = event.stock;
        undo.rules_before = event.rules;
        event.stock = entry.after;
        if (sets_rules(entry.type)) event.rules = entry.rules;
    }
    if (entry.type == EntryType::kHeld || changes_order(entry.type)) {
        undo.order = order_number(entry);
        if (const auto* hold = find_hold(undo.order)) undo.hold_before = *hold;
        apply_to_holds(entry);
    }
    if (!entry.key.empty() && entry.lsn >= key_floor_.lsn) {
        undo.key = digest(entry.uid, entry.key);
        keys_.insert(*undo.key, entry.lsn);
    }
    last_lsn_ = entry.lsn;
    last_time_ms_ = entry.time_ms;
    return undo;
}

void LedgerState::apply_to_holds(const Entry& entry) {
    if (entry.type == EntryType::kHeld) {
        put_hold(entry.lsn, {entry.event, entry.uid, entry.granted, entry.time_ms, entry.expires_ms,
                             entry.binding, entry.lsn});
    } else if (entry.type == EntryType::kExtended) {
        auto& hold = holds_.at(entry.order);
        hold.since_ms = entry.time_ms;
        hold.expires_ms = entry.expires_ms;
        hold.last = entry.lsn;
    } else {
        drop_hold(entry.order);
    }
}

void LedgerState::put_hold(Lsn order, const box_office::Hold& hold) {
    const bool is_new = holds_.insert_or_assign(order, hold).second;
    if (is_new) ++holds_by_uid_[hold.uid];
}

void LedgerState::drop_hold(Lsn order) {
    const auto hold = holds_.find(order);
    const auto of_uid = holds_by_uid_.find(hold->second.uid);
    if (--of_uid->second == 0) holds_by_uid_.erase(of_uid);
    holds_.erase(hold);
}

void LedgerState::undo(const Undo& undo) {
    TICKETD_CHECK(undo.lsn == last_lsn_);
    if (undo.hold_before) {
        put_hold(undo.order, *undo.hold_before);
    } else if (undo.order != 0) {
        drop_hold(undo.order);
    }
    if (undo.key) keys_.erase(*undo.key);
    if (undo.before) {
        events_[*undo.event].stock = *undo.before;
        events_[*undo.event].rules = undo.rules_before;
    } else if (undo.event) {
        ids_.erase(events_.back().name);
        events_.pop_back();
    }
    last_lsn_ = undo.lsn - 1;
    last_time_ms_ = undo.last_time_ms;
}

void LedgerState::restore(std::vector<Event> events, const Holds& holds, Lsn last_lsn,
                          std::int64_t last_time_ms) {
    TICKETD_CHECK(last_lsn_ == 0 && events_.empty());
    events_ = std::move(events);
    for (const auto& [order, hold] : holds)
        put_hold(order, hold);
    for (EventId id = 0; id < events_.size(); ++id)
        ids_.emplace(events_[id].name, id);
    last_lsn_ = last_lsn;
    last_time_ms_ = last_time_ms;
}

bool LedgerState::restore_keys(const std::vector<KeyItem>& items, Lsn from) {
    const auto is_later = [from](const KeyItem& item) { return item.lsn >= from; };
    return std::all_of(items.begin(), items.end(), is_later) && keys_.insert_all(items);
}

void LedgerState::raise_key_floor(const KeyFloor& floor) {
    if (floor.lsn <= key_floor_.lsn) return;
    key_floor_ = floor;
    unswept_shards_ = KeyIndex::kShards;
}

bool LedgerState::forget_some_keys() {
    constexpr std::size_t kShardsAtOnce = 16;
    for (std::size_t i = 0; i < kShardsAtOnce && unswept_shards_ > 0; ++i)
        keys_.forget_before(key_floor_.lsn, --unswept_shards_);
    return unswept_shards_ > 0;
}

}  // namespace ticketd::store
