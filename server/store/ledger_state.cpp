#include "server/store/ledger_state.h"

#include <algorithm>

#include "common/check.h"
#include "common/limits.h"
#include "server/box_office/decide.h"

namespace ticketd::store {
namespace {

// No user has this number (chown(2) takes it for none).
constexpr UserId kNobody = UINT32_MAX;

}  // namespace

std::optional<EventId> LedgerState::find_event(std::string_view name) const {
    const auto found = ids_.find(name);
    return found == ids_.end() ? std::nullopt : std::optional{found->second};
}

const box_office::Hold* LedgerState::find_hold(Lsn order) const {
    const auto found = holds_.find(order);
    return found == holds_.end() ? nullptr : &found->second;
}

box_office::BuyerId LedgerState::buyer(UserId uid, std::string_view name) const {
    const auto& id = last_buyer_.of(store_, name.empty() ? uid : kNobody, name);
    return {id.high, id.low};
}

box_office::BuyerId LedgerState::buyer_of(const Entry& entry) const {
    return buyer(entry.type == EntryType::kCancelled ? entry.owner : entry.uid, entry.buyer);
}

std::vector<Lsn> LedgerState::changed_by(const Entry& entry) const {
    if (changes_order(entry.type)) return {entry.order};
    std::vector<Lsn> orders;
    if (!entry.voids_holds) return orders;
    for (const auto& [order, hold] : holds_) {
        if (hold.event == entry.event) orders.push_back(order);
    }
    return orders;
}

LedgerState::Problem LedgerState::problem_with(const Entry& entry) const {
    if (entry.lsn != last_lsn_ + 1) {
        return "LSN " + std::to_string(entry.lsn) + " after " + std::to_string(last_lsn_);
    }
    if (entry.time_ms < last_time_ms_) return "time runs backwards";
    if (!entry.key.empty() && keys_.find(digest(entry.uid, entry.key))) {
        return "a key that was answered before";
    }
    if (entry.type == EntryType::kKeyAbandoned) return std::nullopt;
    if (!is_sound(entry.after) || entry.after.lsn != entry.lsn) return "unsound counts";
    if (entry.type == EntryType::kEventCreated) return problem_with_creation(entry);
    if (entry.event >= events_.size()) return "no such event";
    if (entry.type == EntryType::kEventResized) return problem_with_resize(entry);
    if (entry.type == EntryType::kCancelled) return problem_with_cancelled(entry);
    if (begins_order(entry.type)) return problem_with_new_order(entry);
    if (changes_order(entry.type)) return problem_with_change_of_hold(entry);
    return problem_with_rules(entry);
}

LedgerState::Problem LedgerState::problem_with_creation(const Entry& entry) const {
    if (entry.event != events_.size() || entry.event >= limits::kEvents) {
        return "event number out of order";
    }
    if (ids_.contains(entry.event_name)) return "an event of this name exists";
    if (entry.after != box_office::Stock{entry.after.capacity, 0, 0, 1, entry.lsn}) {
        return "a new event that has sold";
    }
    if (entry.rules.state != box_office::SaleState::kOpen) return "a new event not open";
    if (entry.rules.terms.reuses_numbers && entry.after.capacity > limits::kSlots) {
        return "more numbers than can be used again";
    }
    return std::nullopt;
}

LedgerState::Problem LedgerState::problem_with_resize(const Entry& entry) const {
    const auto& event = events_[entry.event];
    box_office::Resize resize{entry.after.capacity};
    resize.is_forced = entry.after.overcommit > 0;
    const auto decided = decide(event.stock, event.rules.terms, resize);
    const auto* expected = std::get_if<box_office::Stock>(&decided);
    if (expected == nullptr) return "a capacity that cannot be";
    auto after = *expected;
    after.lsn = entry.lsn;
    if (entry.after != after) return "a resize that changed more than the capacity";
    return std::nullopt;
}

// What it gave the buyer are the numbers that come next.
LedgerState::Problem LedgerState::problem_with_serials(const Entry& entry) const {
    const auto& [name, stock, rules, slots] = events_[entry.event];
    if (!rules.terms.reuses_numbers) {
        const auto serial = is_sale(entry.type) ? stock.next_serial : 0;
        if (entry.first_serial == serial && entry.tickets.empty()) return std::nullopt;
    } else if (entry.first_serial == 0) {
        auto next = slots.lowest_free(begins_order(entry.type) ? entry.granted : 0);
        if (entry.type == EntryType::kConfirmed) {
            next = holds_.at(entry.order).slots;
            next.resize(entry.granted);
        }
        if (entry.tickets == next) return std::nullopt;
    }
    return "serials that do not follow";
}

LedgerState::Problem LedgerState::problem_with_new_order(const Entry& entry) const {
    const auto& event = events_[entry.event];
    const auto& terms = event.rules.terms;
    if (terms.order_limit != 0 && entry.granted > terms.order_limit) {
        return "more than the event has for one order";
    }
    const auto owned = buyers_.tickets({entry.event, buyer_of(entry)});
    if (terms.buyer_limit != 0 && owned + entry.granted > terms.buyer_limit) {
        return "more than the event has for one buyer";
    }
    if (!entry.buyer.empty() && !terms.takes_names)
        return "a name of a buyer that nobody asked for";
    auto expected = event.stock;
    expected.lsn = entry.lsn;
    if (entry.type == EntryType::kHeld) {
        if (holds_.size() >= limits::kHolds) return "more holds than there can be";
        expected.held += entry.granted;
    } else {
        expected.sold += entry.granted;
        expected.next_serial += entry.granted;
    }
    if (entry.after != expected) return "counts that do not follow from the sale";
    return problem_with_serials(entry);
}

LedgerState::Problem LedgerState::problem_with_change_of_hold(const Entry& entry) const {
    const auto* hold = find_hold(entry.order);
    if (hold == nullptr || hold->event != entry.event) return "a hold that does not live";
    if (hold->last != entry.previous) return "another state of the hold than it was in";
    if (entry.granted > hold->quantity) return "more sold than was held";
    if (entry.type == EntryType::kExpired && hold->expires_ms == 0) {
        return "the time of a hold that has no end was up";
    }
    auto expected = events_[entry.event].stock;
    if (entry.type == EntryType::kConfirmed) {
        const auto sale = decide(expected, hold->quantity, box_office::Confirm{entry.granted});
        expected = std::get<box_office::Sale>(sale).after;
    } else if (entry.type != EntryType::kExtended) {
        expected = give_back(expected, hold->quantity);
    }
    expected.lsn = entry.lsn;
    if (entry.after != expected) return "counts that do not follow from what became of the hold";
    return problem_with_serials(entry);
}

// Whether the tickets were the order's, the order's entries tell (problem_with_cancellation()).
LedgerState::Problem LedgerState::problem_with_cancelled(const Entry& entry) const {
    const auto& [name, stock, rules, slots] = events_[entry.event];
    const auto count = entry.returned.size();
    if (count > stock.sold || count > buyers_.tickets({entry.event, buyer_of(entry)})) {
        return "more cancelled than was sold";
    }
    const bool are_known = rules.terms.reuses_numbers ? slots.has_taken(entry.returned)
                                                      : entry.returned.back() < stock.next_serial;
    if (!are_known) return "tickets that nobody has";
    auto expected = take_back(stock, count, entry.restocks);
    expected.lsn = entry.lsn;
    if (entry.after != expected) return "counts that do not follow from the cancellation";
    return std::nullopt;
}

// It must be what the change of its type makes of the rules before, and more than nothing.
LedgerState::Problem LedgerState::problem_with_rules(const Entry& entry) const {
    const auto& event = events_[entry.event];
    auto expected = event.stock;
    if (entry.voids_holds && expected.held > 0) expected = give_back(expected, expected.held);
    const bool changes_counts = expected != event.stock;
    expected.lsn = entry.lsn;
    if (entry.after != expected) return "a change of the rules that changed counts";
    if (entry.voids_holds != changes_counts) return "holds that were not there";
    const auto& [state, window, terms] = entry.rules;
    box_office::RulesChange change = box_office::Update{
        window.opens_ms,   window.closes_ms, terms.line, terms.closes_when_sold_out,
        terms.order_limit, terms.buyer_limit};
    if (entry.type == EntryType::kEventPaused) change = box_office::Pause{};
    if (entry.type == EntryType::kEventResumed) change = box_office::Resume{};
    if (entry.type == EntryType::kEventClosed) change = box_office::Close{};
    const auto decided = decide(event.rules, change, entry.time_ms);
    const auto* after = std::get_if<box_office::Rules>(&decided);
    if (after == nullptr || *after != entry.rules ||
        (*after == event.rules && !entry.voids_holds)) {
        return "rules that do not follow";
    }
    return std::nullopt;
}

LedgerState::Undo LedgerState::apply(const Entry& entry) {
    Undo undo;
    undo.lsn = entry.lsn;
    undo.last_time_ms = last_time_ms_;
    if (concerns_event(entry.type)) {
        undo.event = entry.event;
        apply_to_orders(entry, undo);
        apply_to_event(entry, undo);
    }
    if (!entry.key.empty() && entry.lsn >= key_floor_.lsn) {
        undo.key = digest(entry.uid, entry.key);
        keys_.insert(*undo.key, entry.lsn);
    }
    last_lsn_ = entry.lsn;
    last_time_ms_ = entry.time_ms;
    return undo;
}

void LedgerState::apply_to_event(const Entry& entry, Undo& undo) {
    if (entry.type == EntryType::kEventCreated) {
        events_.push_back({entry.event_name, entry.after, entry.rules});
        ids_.emplace(entry.event_name, entry.event);
        return;
    }
    auto& event = events_[entry.event];
    undo.before = event.stock;
    undo.rules_before = event.rules;
    event.stock = entry.after;
    if (sets_rules(entry.type)) event.rules = entry.rules;
    if (!event.rules.terms.reuses_numbers) return;
    undo.slots_before = event.slots;
    for (const auto& [order, hold] : undo.holds) {
        if (hold && find_hold(order) == nullptr) event.slots.give_back(hold->slots);
    }
    event.slots.give_back(entry.returned);
    if (entry.type != EntryType::kCancelled) event.slots.take(entry.tickets);
}

void LedgerState::apply_to_orders(const Entry& entry, Undo& undo) {
    const auto granted = static_cast<std::int64_t>(entry.granted);
    switch (entry.type) {
        case EntryType::kPurchased: count_for(entry.event, buyer_of(entry), granted, undo); break;
        case EntryType::kHeld: {
            const auto buyer = buyer_of(entry);
            undo.holds.push_back({entry.lsn, {}});
            put_hold(entry.lsn,
                     {entry.event, entry.uid, entry.granted, entry.time_ms, entry.time_ms,
                      entry.expires_ms, entry.binding, entry.lsn, buyer, entry.tickets});
            count_for(entry.event, buyer, granted, undo);
            break;
        }
        case EntryType::kExtended: {
            auto& hold = holds_.at(entry.order);
            undo.holds.push_back({entry.order, hold});
            hold.since_ms = entry.time_ms;
            hold.expires_ms = entry.expires_ms;
            hold.last = entry.lsn;
            break;
        }
        case EntryType::kCancelled:
            count_for(entry.event, buyer_of(entry),
                      -static_cast<std::int64_t>(entry.returned.size()), undo);
            break;
        case EntryType::kEventClosed:
            for (const auto order : changed_by(entry))
                end_hold(order, 0, undo);
            break;
        default:
            if (changes_order(entry.type)) end_hold(entry.order, entry.granted, undo);
    }
}

void LedgerState::count_for(EventId event, const box_office::BuyerId& buyer, std::int64_t more,
                            Undo& undo) {
    buyers_.add({event, buyer}, more);
    undo.buyers.push_back({buyer, more});
}

// Of its tickets so many were sold.
void LedgerState::end_hold(Lsn order, std::uint64_t sold, Undo& undo) {
    const auto& hold = holds_.at(order);
    undo.holds.push_back({order, hold});
    const auto returned = static_cast<std::int64_t>(hold.quantity - sold);
    if (returned > 0) count_for(hold.event, hold.buyer, -returned, undo);
    drop_hold(order);
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
    for (const auto& [buyer, more] : undo.buyers)
        buyers_.add({*undo.event, buyer}, -more);
    for (const auto& [order, before] : undo.holds) {
        if (before) {
            put_hold(order, *before);
        } else {
            drop_hold(order);
        }
    }
    if (undo.key) keys_.erase(*undo.key);
    if (undo.before) {
        events_[*undo.event].stock = *undo.before;
        events_[*undo.event].rules = undo.rules_before;
        events_[*undo.event].slots = undo.slots_before;
    } else if (undo.event) {
        ids_.erase(events_.back().name);
        events_.pop_back();
    }
    last_lsn_ = undo.lsn - 1;
    last_time_ms_ = undo.last_time_ms;
}

void LedgerState::restore(std::vector<Event> events, const Holds& holds, BuyerCounts buyers,
                          Lsn last_lsn, std::int64_t last_time_ms) {
    TICKETD_CHECK(last_lsn_ == 0 && events_.empty());
    events_ = std::move(events);
    for (const auto& [order, hold] : holds)
        put_hold(order, hold);
    for (EventId id = 0; id < events_.size(); ++id)
        ids_.emplace(events_[id].name, id);
    buyers_ = std::move(buyers);
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
