#include "tests/fault/history_model.h"

#include <algorithm>

#include "tests/fault/history_slots.h"

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
    const auto there_is = entry.capacity + entry.overcommit;
    if (entry.held > there_is || entry.sold > there_is - entry.held) return "oversold";
    if (entry.overcommit > 0 && entry.available() > 0) return "available, and overcommitted";
    if (!entry.key.empty() && by_key_.contains(scoped_key(entry.uid, entry.key))) {
        return "the key has an entry";
    }
    if (entry.type == RawType::kEventCreated) {
        if (entry.event != events_.size()) return "an event with the wrong number";
        if (entry.event_name.empty() || numbers_.contains(entry.event_name)) {
            return "an event whose name is taken";
        }
        const bool is_fresh =
            entry.held == 0 && entry.sold == 0 && entry.next_serial == 1 && entry.overcommit == 0;
        if (!is_fresh) return "an event that was born with sales";
        if (entry.state != 1) return "an event that was born paused or closed";
        return std::nullopt;
    }
    if (entry.event >= events_.size()) return "a change of an event that is not there";
    if (entry.type == RawType::kPurchased || entry.type == RawType::kHeld) {
        return problem_with_sale(entry);
    }
    if (entry.type == RawType::kCancelled) return problem_with_cancellation(entry);
    if (entry.type >= RawType::kConfirmed) return problem_with_hold(entry);
    return entry.sets_rules() ? problem_with_rules(entry) : problem_with_resize(entry);
}

namespace {

std::string buyer_of(const RawEntry& entry) {
    const auto uid = entry.type == RawType::kCancelled ? entry.owner : entry.uid;
    return entry.buyer.empty() ? "uid " + std::to_string(uid) : "name " + entry.buyer;
}

// The counts before, with so many more held and sold; what is free then pays an overcommit, which
// nothing but a resize makes larger.
bool follow(const RawEntry& entry, const RawEntry& before, std::int64_t held, std::int64_t sold,
            std::uint64_t retired = 0) {
    const auto plus = [](std::uint64_t count, std::int64_t more) {
        return count + static_cast<std::uint64_t>(more);
    };
    const auto capacity = before.capacity - retired;
    const auto committed = plus(before.held, held) + plus(before.sold, sold);
    return entry.capacity == capacity && entry.held == plus(before.held, held) &&
           entry.sold == plus(before.sold, sold) &&
           entry.overcommit == (committed > capacity ? committed - capacity : 0) &&
           (entry.overcommit <= before.overcommit || entry.type == RawType::kEventResized);
}

}  // namespace

std::vector<std::uint64_t> tickets_of(const RawEntry& entry) {
    auto tickets = entry.tickets;
    for (std::uint64_t i = 0; entry.first_serial > 0 && i < entry.granted; ++i)
        tickets.push_back(entry.first_serial + i);
    return tickets;
}

std::string state_after(const RawEntry& entry) {
    switch (entry.type) {
        case RawType::kHeld:
        case RawType::kExtended: return "held";
        case RawType::kReleased:
        case RawType::kEventClosed: return "released";
        case RawType::kExpired: return "expired";
        case RawType::kCancelled: return entry.tickets.empty() ? "cancelled" : "sold";
        default: return "sold";
    }
}

bool is_own_end(const RawEntry& entry, const Model& model) {
    if (entry.type == RawType::kExpired) return true;
    const auto* hold = model.entry(entry.order);
    return entry.type == RawType::kReleased && entry.key.empty() && hold->bind != 0 &&
           hold->uid == entry.uid;
}

std::uint64_t Model::newest(std::uint64_t order) const {
    const auto found = orders_.find(order);
    return found == orders_.end() ? order : found->second.back()->lsn;
}

std::optional<Model::OrderView> Model::order(std::uint64_t number, std::uint64_t lsn) const {
    const auto found = orders_.find(number);
    if (found == orders_.end() || lsn < number) return std::nullopt;
    const auto& said = found->second;
    const auto after =
        std::upper_bound(said.begin(), said.end(), lsn,
                         [](std::uint64_t l, const RawEntry* entry) { return l < entry->lsn; });
    return OrderView{said.front(), *(after - 1),
                     after == said.end() ? kForever : (*after)->lsn - 1};
}

std::optional<std::string> Model::problem_with_resize(const RawEntry& entry) const {
    const auto& before = *events_[entry.event].changes.back();
    auto resized = before;
    resized.capacity = entry.capacity;
    if (!follow(entry, resized, 0, 0) || entry.next_serial != before.next_serial) {
        return "a resize that changed more than the capacity";
    }
    return std::nullopt;
}

std::optional<std::string> Model::problem_with_rules(const RawEntry& entry) const {
    const auto& before = *events_[entry.event].rules;
    const auto& counts = *events_[entry.event].changes.back();
    const auto voided = entry.voids_holds ? counts.held : 0;
    if (!follow(entry, counts, -static_cast<std::int64_t>(voided), 0) ||
        entry.next_serial != counts.next_serial) {
        return "rules that changed counts";
    }
    if (entry.voids_holds && voided == 0) return "holds that were not there";
    constexpr std::uint64_t kForLife = std::uint64_t{4 + 8} << 32U;
    if ((entry.terms & kForLife) != (before.terms & kForLife)) return "terms that never change";
    const bool has_same_window =
        entry.opens_ms == before.opens_ms && entry.closes_ms == before.closes_ms &&
        entry.terms == before.terms && entry.buyer_limit == before.buyer_limit;
    bool follows = has_same_window && (entry.state != before.state || entry.voids_holds);
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
    if (entry.previous != newest(entry.order)) return "another state of the hold than it was in";
    const auto& before = *events_[entry.event].changes.back();
    const auto& hold = found->second;
    const auto freed = entry.type == RawType::kExtended ? 0 : hold.quantity;
    const auto sold = entry.type == RawType::kConfirmed ? entry.granted : 0;
    if (sold > hold.quantity) return "more sold than was held";
    if (auto problem = problem_with_own_end(entry)) return problem;
    if (!follow(entry, before, -static_cast<std::int64_t>(freed),
                static_cast<std::int64_t>(sold)) ||
        entry.next_serial != before.next_serial + sold) {
        return "counts that do not follow from what became of the hold";
    }
    if (entry.type != RawType::kConfirmed) return std::nullopt;
    if (sold != (entry.requested == 0 ? hold.quantity : entry.requested)) {
        return "a confirmation of another quantity";
    }
    if (has_slots(*events_[entry.event].rules)) return problem_with_kept_slots(entry, hold.numbers);
    const bool are_next = entry.first_serial == before.next_serial && entry.tickets.empty();
    if (!are_next) return "serials that do not follow";
    return std::nullopt;
}

// A hold ends by itself when its time is up, and by its owner's name. Those who have the time of
// day from elsewhere than the daemon has its own are allowed some milliseconds.
std::optional<std::string> Model::problem_with_own_end(const RawEntry& entry) const {
    constexpr std::int64_t kClocksApartMs = 100;
    const auto& hold = holds_.at(entry.order);
    const bool has_end = hold.expires_ms != 0;
    if (entry.type == RawType::kExpired) {
        if (entry.uid != hold.uid || !entry.key.empty()) return "an expiry that somebody asked for";
        if (!has_end || entry.time_ms < hold.expires_ms - kClocksApartMs) {
            return "a hold that expired before its time";
        }
        return std::nullopt;
    }
    const bool is_of_somebody = entry.type != RawType::kReleased || !entry.key.empty();
    if (is_of_somebody && has_end && entry.time_ms > hold.expires_ms + kClocksApartMs) {
        return "a hold that was changed after its time";
    }
    return std::nullopt;
}

std::optional<std::string> Model::problem_with_cancellation(const RawEntry& entry) const {
    const auto* had = this->entry(entry.previous);
    if (had == nullptr || entry.previous != newest(entry.order) || had->event != entry.event ||
        !(had->is_sale() || had->type == RawType::kCancelled)) {
        return "a cancellation of what is not sold";
    }
    auto both = entry.tickets;
    both.insert(both.end(), entry.returned.begin(), entry.returned.end());
    std::sort(both.begin(), both.end());
    if (entry.returned.empty() || both != tickets_of(*had))
        return "tickets that are not the order's";
    const auto& event = events_[entry.event];
    if (has_slots(*event.rules) && !entry.restocks) return "slots that are gone for good";
    const auto& before = *event.changes.back();
    const auto count = entry.returned.size();
    const bool are_last = entry.names_tickets || entry.tickets.empty() ||
                          entry.tickets.back() < entry.returned.front();
    if (!are_last || (entry.requested != 0 && entry.requested != count)) {
        return "other tickets than a cancellation takes back";
    }
    const auto retired =
        entry.restocks ? 0 : count - std::min<std::uint64_t>(count, before.overcommit);
    if (!follow(entry, before, 0, -static_cast<std::int64_t>(count), retired) ||
        entry.next_serial != before.next_serial) {
        return "counts that do not follow from the cancellation";
    }
    const auto owned = event.owned.find(buyer_of(entry));
    if (owned == event.owned.end() || owned->second < count) return "a cancellation for another";
    return std::nullopt;
}

// The limits of an order and of a buyer.
std::optional<std::string> Model::problem_with_limits(const RawEntry& entry) const {
    const auto& event = events_[entry.event];
    const auto owned = event.owned.find(buyer_of(entry));
    const auto has = owned == event.owned.end() ? 0 : owned->second;
    const auto order_limit = event.rules->terms & 0xffff'ffff;
    const auto buyer_limit = event.rules->buyer_limit;
    auto most = entry.requested;
    if (order_limit > 0) most = std::min(most, order_limit);
    if (buyer_limit > 0) most = std::min(most, buyer_limit - std::min(buyer_limit, has));
    const auto available = event.changes.back()->available();
    if (entry.granted > available) return "a sale of more than there was";
    if (entry.granted > most) return "a sale of more than a buyer may have";
    if (entry.granted < std::min(most, available)) return "a sale of less than there was";
    return std::nullopt;
}

std::optional<std::string> Model::problem_with_numbers(const RawEntry& entry) const {
    const auto& event = events_[entry.event];
    if (has_slots(*event.rules)) return problem_with_new_slots(entry, event.taken);
    const auto next = entry.type == RawType::kHeld ? 0 : event.changes.back()->next_serial;
    if (entry.first_serial != next || !entry.tickets.empty()) return "serials that do not follow";
    return std::nullopt;
}

std::optional<std::string> Model::problem_with_sale(const RawEntry& entry) const {
    const auto& before = *events_[entry.event].changes.back();
    if (entry.min_quantity < 1 || entry.min_quantity > entry.requested)
        return "a senseless request";
    const auto& rules = *events_[entry.event].rules;
    if (rules.state != 1) return "a sale while the event was paused or closed";
    if (entry.time_ms < rules.opens_ms) return "a sale before the event opened";
    if (rules.closes_ms != 0 && entry.time_ms >= rules.closes_ms) {
        return "a sale after the event closed";
    }
    if (auto problem = problem_with_limits(entry)) return problem;
    if (entry.granted < entry.min_quantity) return "a sale of less than was asked for at least";
    if (auto problem = problem_with_numbers(entry)) return problem;
    const auto count = static_cast<std::int64_t>(entry.granted);
    const bool is_hold = entry.type == RawType::kHeld;
    if (!follow(entry, before, is_hold ? count : 0, is_hold ? 0 : count) ||
        entry.next_serial != before.next_serial + (is_hold ? 0 : entry.granted)) {
        return "counts that do not follow from the sale";
    }
    return std::nullopt;
}

void Model::end_hold(std::uint64_t order, std::uint64_t sold) {
    const auto& hold = holds_.at(order);
    events_[hold.event].owned[hold.buyer] -= hold.quantity - sold;
    for (const auto number : hold.numbers)
        events_[hold.event].taken.erase(number);
    holds_.erase(order);
}

void Model::apply_to_orders(const RawEntry& entry) {
    auto& event = events_[entry.event];
    if (entry.voids_holds) {
        std::vector<std::uint64_t> voided;
        for (const auto& [order, hold] : holds_) {
            if (hold.event == entry.event) voided.push_back(order);
        }
        for (const auto order : voided) {
            end_hold(order, 0);
            orders_[order].push_back(&entry);
        }
        return;
    }
    if (entry.order > 0) orders_[entry.order].push_back(&entry);
    if (entry.type == RawType::kExtended) holds_.at(entry.order).expires_ms = entry.expires_ms;
    if (entry.type == RawType::kPurchased || entry.type == RawType::kHeld) {
        orders_[entry.lsn].push_back(&entry);
        event.owned[buyer_of(entry)] += entry.granted;
        if (entry.type == RawType::kHeld) {
            holds_[entry.lsn] = {entry.event,   entry.granted, buyer_of(entry),
                                 entry.tickets, entry.uid,     entry.expires_ms};
        }
    } else if (entry.type == RawType::kCancelled) {
        event.owned[buyer_of(entry)] -= entry.returned.size();
        for (const auto number : entry.returned)
            event.taken.erase(number);
        return;
    } else if (entry.type >= RawType::kConfirmed && entry.type != RawType::kExtended) {
        end_hold(entry.order, entry.type == RawType::kConfirmed ? entry.granted : 0);
    }
    event.taken.insert(entry.tickets.begin(), entry.tickets.end());
}

void Model::apply(const RawEntry& entry) {
    last_time_ms_ = entry.time_ms;
    if (!entry.key.empty()) by_key_.emplace(scoped_key(entry.uid, entry.key), &entry);
    if (entry.type == RawType::kKeyAbandoned) return;
    if (entry.type == RawType::kEventCreated) {
        numbers_.emplace(entry.event_name, events_.size());
        events_.push_back({entry.event_name, {}, nullptr, {}, {}});
    }
    apply_to_orders(entry);
    if (entry.sets_rules()) events_[entry.event].rules = &entry;
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
