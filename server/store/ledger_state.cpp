#include "server/store/ledger_state.h"

#include <algorithm>

#include "common/check.h"
#include "common/limits.h"

namespace ticketd::store {

std::optional<EventId> LedgerState::find_event(std::string_view name) const {
    const auto found = ids_.find(name);
    return found == ids_.end() ? std::nullopt : std::optional{found->second};
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
        if (entry.schedule.state != box_office::SaleState::kOpen) return "a new event not open";
        return std::nullopt;
    }
    if (entry.event >= events_.size()) return "no such event";
    if (entry.type == EntryType::kPurchased) return problem_with_sale(entry);
    if (sets_schedule(entry.type)) return problem_with_schedule(entry);
    const auto& before = events_[entry.event].stock;
    if (entry.after.held != before.held || entry.after.sold != before.sold ||
        entry.after.next_serial != before.next_serial) {
        return "a resize that changed more than the capacity";
    }
    return std::nullopt;
}

std::optional<std::string> LedgerState::problem_with_sale(const Entry& entry) const {
    const auto& before = events_[entry.event].stock;
    if (entry.first_serial != before.next_serial) return "serials that do not follow";
    auto expected = before;
    expected.sold += entry.granted;
    expected.next_serial += entry.granted;
    expected.lsn = entry.lsn;
    if (entry.after != expected) return "counts that do not follow from the sale";
    return std::nullopt;
}

// It must be what the change of its type makes of the schedule before, and more than nothing.
std::optional<std::string> LedgerState::problem_with_schedule(const Entry& entry) const {
    const auto& event = events_[entry.event];
    auto expected = event.stock;
    expected.lsn = entry.lsn;
    if (entry.after != expected) return "a change of the schedule that changed counts";
    box_office::ScheduleChange change =
        box_office::SetWindow{entry.schedule.window.opens_ms, entry.schedule.window.closes_ms};
    if (entry.type == EntryType::kEventPaused) change = box_office::Pause{};
    if (entry.type == EntryType::kEventResumed) change = box_office::Resume{};
    if (entry.type == EntryType::kEventClosed) change = box_office::Close{};
    const auto decided = decide(event.schedule, change);
    const auto* after = std::get_if<box_office::Schedule>(&decided);
    if (after == nullptr || *after != entry.schedule || *after == event.schedule) {
        return "a schedule that does not follow";
    }
    return std::nullopt;
}

LedgerState::Undo LedgerState::apply(const Entry& entry) {
    Undo undo{entry.lsn, std::nullopt, std::nullopt, {}, std::nullopt, last_time_ms_};
    if (entry.type == EntryType::kEventCreated) {
        undo.event = entry.event;
        events_.push_back({entry.event_name, entry.after, entry.schedule});
        ids_.emplace(entry.event_name, entry.event);
    } else if (entry.type != EntryType::kKeyAbandoned) {
        undo.event = entry.event;
        auto& event = events_[entry.event];
        undo.before = event.stock;
        undo.schedule_before = event.schedule;
        event.stock = entry.after;
        if (sets_schedule(entry.type)) event.schedule = entry.schedule;
    }
    if (!entry.key.empty() && entry.lsn >= key_floor_.lsn) {
        undo.key = digest(entry.uid, entry.key);
        keys_.insert(*undo.key, entry.lsn);
    }
    last_lsn_ = entry.lsn;
    last_time_ms_ = entry.time_ms;
    return undo;
}

void LedgerState::undo(const Undo& undo) {
    TICKETD_CHECK(undo.lsn == last_lsn_);
    if (undo.key) keys_.erase(*undo.key);
    if (undo.before) {
        events_[*undo.event].stock = *undo.before;
        events_[*undo.event].schedule = undo.schedule_before;
    } else if (undo.event) {
        ids_.erase(events_.back().name);
        events_.pop_back();
    }
    last_lsn_ = undo.lsn - 1;
    last_time_ms_ = undo.last_time_ms;
}

void LedgerState::restore(std::vector<Event> events, Lsn last_lsn, std::int64_t last_time_ms) {
    TICKETD_CHECK(last_lsn_ == 0 && events_.empty());
    events_ = std::move(events);
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
