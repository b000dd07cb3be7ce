#include "tests/fault/history_model.h"

#include <algorithm>

namespace ticketd::testing {

std::string scoped_key(std::uint32_t uid, const std::string& key) {
    return std::to_string(uid) + "/" + key;
}

Model::Model(const std::vector<RawEntry>& entries) : entries_(entries) {
    for (std::size_t i = 0; i < entries.size(); ++i) {
        auto problem = entries[i].lsn == i + 1 ? problem_with(entries[i])
                                               : std::optional<std::string>{"LSN out of order"};
        if (problem) {
            problems_.push_back("entry " + std::to_string(i + 1) + ": " + *problem);
            return;
        }
        apply(entries[i]);
    }
}

std::optional<std::string> Model::problem_with(const RawEntry& entry) const {
    if (entry.time_ms < last_time_ms_) return "its time is before that of the one before";
    if (entry.type == RawType::kKeyAbandoned) {
        if (entry.key.empty() || entry.event != 0 || entry.capacity != 0 || entry.sold != 0 ||
            entry.held != 0 || entry.next_serial != 0 || entry.granted != 0) {
            return "an abandoned key with more than uid and key";
        }
        if (by_key_.contains(scoped_key(entry.uid, entry.key))) return "the key has an entry";
        return std::nullopt;
    }
    if (entry.held > entry.capacity || entry.sold > entry.capacity - entry.held) return "oversold";
    if (entry.type == RawType::kEventCreated) {
        if (entry.event != events_.size()) return "an event with the wrong number";
        if (entry.event_name.empty() || numbers_.contains(entry.event_name)) {
            return "an event whose name is taken";
        }
        const bool is_fresh = entry.held == 0 && entry.sold == 0 && entry.next_serial == 1;
        if (!is_fresh) return "an event that was born with sales";
        if (entry.state != 1) return "an event that was born paused or closed";
        return std::nullopt;
    }
    if (entry.event >= events_.size()) return "a change of an event that is not there";
    if (entry.type == RawType::kPurchased || entry.type == RawType::kHeld) {
        return problem_with_sale(entry);
    }
    if (entry.type >= RawType::kConfirmed) return problem_with_hold(entry);
    const auto& before = *events_[entry.event].changes.back();
    if (entry.held != before.held || entry.sold != before.sold ||
        entry.next_serial != before.next_serial) {
        return entry.sets_rules() ? "rules that changed counts"
                                  : "a resize that changed more than the capacity";
    }
    return entry.sets_rules() ? problem_with_rules(entry) : std::nullopt;
}

std::optional<std::string> Model::problem_with_rules(const RawEntry& entry) const {
    const auto& before = *events_[entry.event].rules;
    if (entry.capacity != events_[entry.event].changes.back()->capacity) {
        return "rules that changed the capacity";
    }
    const bool has_same_window = entry.opens_ms == before.opens_ms &&
                                 entry.closes_ms == before.closes_ms && entry.terms == before.terms;
    bool follows = has_same_window && entry.state != before.state;
    switch (entry.type) {
        case RawType::kEventPaused: follows = follows && entry.state == 2; break;
        case RawType::kEventResumed: follows = follows && entry.state == 1; break;
        case RawType::kEventClosed: follows = follows && entry.state == 3; break;
        default: follows = !has_same_window && entry.state == before.state;
    }
    if (before.state == 3 && entry.type == RawType::kEventPaused) return "a closed event paused";
    if (!follows) return "rules that do not follow";
    return std::nullopt;
}

// What becomes of one.
std::optional<std::string> Model::problem_with_hold(const RawEntry& entry) const {
    const auto found = holds_.find(entry.order);
    if (found == holds_.end() || found->second.event != entry.event) return "a hold that is none";
    if (entry.previous != found->second.last) return "another state of the hold than it was in";
    const auto& before = *events_[entry.event].changes.back();
    const bool ends = entry.type != RawType::kExtended;
    const auto sold = entry.type == RawType::kConfirmed ? entry.granted : 0;
    if (sold > found->second.quantity) return "more sold than was held";
    if (sold > 0 && entry.first_serial != before.next_serial) return "serials that do not follow";
    if (entry.capacity != before.capacity ||
        entry.held + (ends ? found->second.quantity : 0) != before.held ||
        entry.sold != before.sold + sold || entry.next_serial != before.next_serial + sold) {
        return "counts that do not follow from what became of the hold";
    }
    if (!entry.key.empty() && by_key_.contains(scoped_key(entry.uid, entry.key))) {
        return "the key has an entry";
    }
    return std::nullopt;
}

std::optional<std::string> Model::problem_with_sale(const RawEntry& entry) const {
    const auto& before = *events_[entry.event].changes.back();
    if (entry.min_quantity < 1 || entry.min_quantity > entry.requested)
        return "a senseless request";
    const bool is_hold = entry.type == RawType::kHeld;
    const auto sold = is_hold ? 0 : entry.granted;
    if (!is_hold && entry.first_serial != before.next_serial) return "serials that do not follow";
    const auto& rules = *events_[entry.event].rules;
    if (rules.state != 1) return "a sale while the event was paused or closed";
    if (entry.time_ms < rules.opens_ms) return "a sale before the event opened";
    if (rules.closes_ms != 0 && entry.time_ms >= rules.closes_ms) {
        return "a sale after the event closed";
    }
    if (entry.granted > before.available()) return "a sale of more than there was";
    const auto limit =
        (rules.terms & 0xffff'ffff) == 0 ? entry.requested : rules.terms & 0xffff'ffff;
    if (entry.granted != std::min({entry.requested, limit, before.available()})) {
        return "a sale of less than there was";
    }
    if (entry.granted < entry.min_quantity) return "a sale of less than was asked for at least";
    if (entry.capacity != before.capacity ||
        entry.held != before.held + (is_hold ? entry.granted : 0) ||
        entry.sold != before.sold + sold || entry.next_serial != before.next_serial + sold) {
        return "counts that do not follow from the sale";
    }
    if (!entry.key.empty() && by_key_.contains(scoped_key(entry.uid, entry.key))) {
        return "the key has an entry";
    }
    return std::nullopt;
}

void Model::apply(const RawEntry& entry) {
    last_time_ms_ = entry.time_ms;
    if (!entry.key.empty()) by_key_.emplace(scoped_key(entry.uid, entry.key), &entry);
    if (entry.type == RawType::kKeyAbandoned) return;
    if (entry.type == RawType::kEventCreated) {
        numbers_.emplace(entry.event_name, events_.size());
        events_.push_back({entry.event_name, {}, nullptr});
    }
    if (entry.sets_rules()) events_[entry.event].rules = &entry;
    if (entry.type == RawType::kHeld) {
        holds_[entry.lsn] = {entry.event, entry.granted, entry.lsn};
    } else if (entry.type == RawType::kExtended) {
        holds_[entry.order].last = entry.lsn;
    } else if (entry.type >= RawType::kConfirmed) {
        holds_.erase(entry.order);
    }
    events_[entry.event].changes.push_back(&entry);
}

const RawEntry* Model::entry(std::uint64_t lsn) const {
    return lsn >= 1 && lsn <= entries_.size() ? &entries_[lsn - 1] : nullptr;
}

const RawEntry* Model::entry_of_key(std::uint32_t uid, const std::string& key) const {
    const auto found = by_key_.find(scoped_key(uid, key));
    return found == by_key_.end() ? nullptr : found->second;
}

const Model::Event* Model::find_event(const std::string& name) const {
    const auto found = numbers_.find(name);
    return found == numbers_.end() ? nullptr : &events_[found->second];
}

std::optional<Model::View> Model::view(const std::string& event, std::uint64_t lsn) const {
    const auto* found = find_event(event);
    if (found == nullptr) return std::nullopt;
    const auto& changes = found->changes;
    const auto at =
        std::lower_bound(changes.begin(), changes.end(), lsn,
                         [](const RawEntry* change, std::uint64_t l) { return change->lsn < l; });
    if (at == changes.end() || (*at)->lsn != lsn) return std::nullopt;
    return View{*at, at + 1 == changes.end() ? kForever : at[1]->lsn - 1};
}

}  // namespace ticketd::testing
