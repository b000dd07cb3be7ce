#include "tests/support/reference_model.h"

#include <algorithm>

#include "common/limits.h"

namespace ticketd::tests {

std::vector<std::uint64_t> ReferenceModel::orders() const {
    std::vector<std::uint64_t> all;
    for (const auto& [order, what] : orders_)
        all.push_back(order);
    return all;
}

std::uint64_t ReferenceModel::held(std::size_t event) const {
    std::uint64_t sum = 0;
    for (const auto& [order, what] : orders_)
        if (what.event == event && what.is_held) sum += what.held;
    return sum;
}

std::uint64_t ReferenceModel::sold(std::size_t event) const {
    std::uint64_t sum = 0;
    for (const auto& [order, what] : orders_)
        if (what.event == event && !what.is_held) sum += what.numbers.size();
    return sum;
}

std::uint64_t ReferenceModel::available(std::size_t event) const {
    const auto committed = held(event) + sold(event);
    return events_[event].capacity - std::min(committed, events_[event].capacity);
}

std::uint64_t ReferenceModel::owned(std::uint32_t uid, std::size_t event) const {
    std::uint64_t sum = 0;
    for (const auto& [order, what] : orders_) {
        if (what.event != event || what.uid != uid) continue;
        sum += what.is_held ? what.held : what.numbers.size();
    }
    return sum;
}

std::set<std::uint64_t> ReferenceModel::taken(std::size_t event) const {
    std::set<std::uint64_t> all;
    for (const auto& [order, what] : orders_)
        if (what.event == event) all.insert(what.numbers.begin(), what.numbers.end());
    return all;
}

std::set<std::uint64_t> ReferenceModel::next_numbers(std::size_t event, std::uint64_t count) const {
    std::set<std::uint64_t> numbers;
    const auto used = events_[event].terms.has_slots ? taken(event) : std::set<std::uint64_t>{};
    auto number = events_[event].terms.has_slots ? 1 : events_[event].next_serial;
    for (; numbers.size() < count; ++number)
        if (!used.contains(number)) numbers.insert(number);
    return numbers;
}

// Whose time is up is no more, the first to end first, each with an entry of its own.
void ReferenceModel::expire(std::size_t event) {
    for (;;) {
        Order* first = nullptr;
        for (auto& [order, what] : orders_) {
            const bool is_due =
                what.event == event && what.is_held && what.end && *what.end <= now_;
            if (is_due && (first == nullptr || *what.end < *first->end)) first = &what;
        }
        if (first == nullptr) return;
        first->is_held = false;
        first->numbers.clear();
        events_[event].lsn = ++lsn_;
    }
}

std::optional<Outcome> ReferenceModel::known(std::uint32_t uid, const Key& key) const {
    if (key.key.empty()) return std::nullopt;
    const auto answered = answered_.find({uid, key.key});
    if (answered != answered_.end()) return Outcome{"replay", answered->second};
    const auto refused = refused_.find({uid, key.key});
    if (refused == refused_.end()) return std::nullopt;
    return Outcome{refused->second.first == key.asked ? refused->second.second : "key_mismatch"};
}

Outcome ReferenceModel::refuse(std::uint32_t uid, const Key& key, const std::string& kind) {
    if (!key.key.empty()) refused_[{uid, key.key}] = {key.asked, kind};
    return {kind};
}

Outcome ReferenceModel::done(std::uint32_t uid, const Key& key, std::size_t event,
                             std::uint64_t granted, const std::set<std::uint64_t>& numbers) {
    events_[event].lsn = ++lsn_;
    if (!key.key.empty()) answered_[{uid, key.key}] = lsn_;
    return {"ok", lsn_, {numbers.begin(), numbers.end()}, granted};
}

Outcome ReferenceModel::create(std::uint64_t capacity, const ModelTerms& terms) {
    events_.push_back({capacity, ++lsn_, 1, terms, Sale::kOpen, 0, 0});
    return {"ok", lsn_};
}

ReferenceModel::Counts ReferenceModel::query(std::size_t event) {
    expire(event);
    const auto& what = events_[event];
    const auto committed = held(event) + sold(event);
    return {what.capacity,
            available(event),
            held(event),
            sold(event),
            committed - std::min(committed, what.capacity),
            what.lsn};
}

// Why so many cannot be had, or "" and how many at most.
std::string ReferenceModel::refusal_of_terms(std::uint32_t uid, const Event& event,
                                             std::size_t number, std::uint64_t least,
                                             std::uint64_t& most) const {
    if (event.sale == Sale::kClosed || is_over(event)) return "closed";
    if (event.terms.order_limit > 0) most = std::min(most, event.terms.order_limit);
    if (least > most) return "limit_reached";
    if (event.terms.buyer_limit > 0) {
        const auto has = owned(uid, number);
        most = std::min(most, event.terms.buyer_limit - std::min(event.terms.buyer_limit, has));
    }
    if (least > most) return "limit_reached";
    if (least > event.capacity) return "never_satisfiable";
    if (event.sale == Sale::kPaused) return "paused";
    if (now_ < event.opens) return "not_open";
    const auto left = available(number);
    if (left >= least) {
        most = std::min(most, left);
        return "";
    }
    return shortage(number);
}

std::string ReferenceModel::shortage(std::size_t event) const {
    if (available(event) > 0) return "insufficient";
    const bool may_return = held(event) > 0 && sold(event) < events_[event].capacity;
    return may_return ? "held_out" : "sold_out";
}

bool ReferenceModel::is_over(const Event& event) const {
    return event.closes != 0 && now_ >= event.closes;
}

Outcome ReferenceModel::purchase(std::uint32_t uid, std::size_t event, std::uint64_t quantity,
                                 std::uint64_t least, const Key& key) {
    if (auto before = known(uid, key)) return *before;
    expire(event);
    auto most = quantity;
    const auto kind = refusal_of_terms(uid, events_[event], event, least, most);
    if (!kind.empty()) return refuse(uid, key, kind);
    const auto numbers = next_numbers(event, most);
    const auto outcome = done(uid, key, event, most, numbers);
    orders_[outcome.lsn] = {uid, event, false, 0, {}, numbers};
    events_[event].next_serial += most;
    close_if_sold_out(event);
    return outcome;
}

Outcome ReferenceModel::hold(std::uint32_t uid, std::size_t event, std::uint64_t quantity,
                             std::uint64_t least, std::int64_t ttl, const Key& key) {
    if (auto before = known(uid, key)) return *before;
    expire(event);
    auto most = quantity;
    const auto kind = refusal_of_terms(uid, events_[event], event, least, most);
    if (!kind.empty()) return refuse(uid, key, kind);
    const auto numbers =
        events_[event].terms.has_slots ? next_numbers(event, most) : std::set<std::uint64_t>{};
    const auto outcome = done(uid, key, event, most, numbers);
    auto& order = orders_[outcome.lsn] = {uid, event, true, most, {}, numbers};
    order.made = now_;
    if (ttl > 0) order.end = now_ + ttl;
    return outcome;
}

ReferenceModel::Order* ReferenceModel::hold_of(std::uint64_t order) {
    const auto found = orders_.find(order);
    if (found == orders_.end()) return nullptr;
    if (!found->second.is_held) return nullptr;
    expire(found->second.event);
    return found->second.is_held ? &found->second : nullptr;
}

Outcome ReferenceModel::confirm(std::uint32_t uid, std::uint64_t order, std::uint64_t quantity,
                                const Key& key) {
    if (auto before = known(uid, key)) return *before;
    auto* hold = hold_of(order);
    if (hold == nullptr) return refuse(uid, key, "not_held");
    if (hold->uid != uid) return refuse(uid, key, "not_found");
    const auto count = quantity == 0 ? hold->held : quantity;
    if (count > hold->held) return refuse(uid, key, "invalid_params");
    if (events_[hold->event].terms.has_slots) {
        while (hold->numbers.size() > count)
            hold->numbers.erase(std::prev(hold->numbers.end()));
    } else {
        hold->numbers = next_numbers(hold->event, count);
    }
    hold->is_held = false;
    events_[hold->event].next_serial += count;
    const auto outcome = done(uid, key, hold->event, count, hold->numbers);
    close_if_sold_out(hold->event);
    return outcome;
}

Outcome ReferenceModel::release(std::uint32_t uid, std::uint64_t order, const Key& key) {
    if (auto before = known(uid, key)) return *before;
    auto* hold = hold_of(order);
    if (hold == nullptr) return refuse(uid, key, "not_held");
    if (hold->uid != uid) return refuse(uid, key, "not_found");
    hold->is_held = false;
    hold->numbers.clear();
    return done(uid, key, hold->event, 0, {});
}

Outcome ReferenceModel::extend(std::uint32_t uid, std::uint64_t order, std::int64_t ttl,
                               const Key& key) {
    if (auto before = known(uid, key)) return *before;
    auto* hold = hold_of(order);
    if (hold == nullptr) return refuse(uid, key, "not_held");
    if (hold->uid != uid) return refuse(uid, key, "not_found");
    const bool is_too_long = hold->end && now_ + ttl > hold->made + limits::kHoldMsMax;
    if (is_too_long) return refuse(uid, key, "limit_reached");
    hold->end = now_ + ttl;
    return done(uid, key, hold->event, 0, {});
}

Outcome ReferenceModel::cancel(std::uint32_t uid, std::uint64_t order, std::uint64_t quantity,
                               const std::set<std::uint64_t>& numbers, bool restocks,
                               const Key& key) {
    if (auto before = known(uid, key)) return *before;
    const auto found = orders_.find(order);
    if (found == orders_.end() || found->second.uid != uid) return refuse(uid, key, "not_found");
    auto& what = found->second;
    expire(what.event);
    const auto has = [&what](std::uint64_t number) { return what.numbers.contains(number); };
    const bool has_all = std::all_of(numbers.begin(), numbers.end(), has);
    if (what.is_held || what.numbers.empty() || !has_all) return refuse(uid, key, "not_held");
    if (quantity > what.numbers.size()) return refuse(uid, key, "invalid_params");
    auto returned = numbers;
    if (returned.empty()) {
        const auto count = quantity == 0 ? what.numbers.size() : quantity;
        for (auto at = what.numbers.rbegin(); returned.size() < count; ++at)
            returned.insert(*at);
    }
    const auto owed = query(what.event).owed;
    for (const auto number : returned)
        what.numbers.erase(number);
    if (!restocks) {
        events_[what.event].capacity -=
            returned.size() - std::min<std::uint64_t>(owed, returned.size());
    }
    return done(uid, key, what.event, returned.size(), what.numbers);
}

Outcome ReferenceModel::resize(std::size_t event, std::uint64_t capacity, bool is_forced) {
    expire(event);
    const bool is_too_few = capacity < held(event) + sold(event);
    if (is_too_few && capacity != events_[event].capacity && !is_forced) {
        return {"capacity_below_committed"};
    }
    events_[event].capacity = capacity;
    return done(0, {}, event, 0, {});
}

Outcome ReferenceModel::pause(std::size_t event) {
    expire(event);
    auto& sale = events_[event].sale;
    if (sale == Sale::kClosed || is_over(events_[event])) return {"wrong_state"};
    if (sale == Sale::kPaused) return {"unchanged"};
    sale = Sale::kPaused;
    return done(0, {}, event, 0, {});
}

Outcome ReferenceModel::resume(std::size_t event) {
    expire(event);
    if (events_[event].sale == Sale::kOpen) return {"unchanged"};
    events_[event].sale = Sale::kOpen;
    return done(0, {}, event, 0, {});
}

Outcome ReferenceModel::close(std::size_t event, bool voids_holds) {
    expire(event);
    const bool voids = voids_holds && held(event) > 0;
    if (events_[event].sale == Sale::kClosed && !voids) return {"unchanged"};
    events_[event].sale = Sale::kClosed;
    for (auto& [order, what] : orders_) {
        if (!voids || what.event != event || !what.is_held) continue;
        what.is_held = false;
        what.numbers.clear();
    }
    return done(0, {}, event, 0, {});
}

Outcome ReferenceModel::limit(std::size_t event, std::uint64_t order_limit,
                              std::uint64_t buyer_limit) {
    expire(event);
    auto& terms = events_[event].terms;
    if (terms.order_limit == order_limit && terms.buyer_limit == buyer_limit) return {"unchanged"};
    terms.order_limit = order_limit;
    terms.buyer_limit = buyer_limit;
    return done(0, {}, event, 0, {});
}

Outcome ReferenceModel::window(std::size_t event, std::int64_t opens, std::int64_t closes) {
    expire(event);
    auto& what = events_[event];
    if (closes != 0 && opens >= closes) return {"invalid_params"};
    if (what.opens == opens && what.closes == closes) return {"unchanged"};
    what.opens = opens;
    what.closes = closes;
    return done(0, {}, event, 0, {});
}

std::optional<std::size_t> ReferenceModel::event_of_hold(std::uint64_t order) const {
    const auto found = orders_.find(order);
    if (found == orders_.end() || !found->second.is_held) return std::nullopt;
    return found->second.event;
}

std::vector<Outcome> ReferenceModel::atomically(const std::vector<Part>& parts) {
    std::set<std::size_t> events;
    for (const auto& part : parts)
        if (part.event) events.insert(*part.event);
    for (const auto event : events)
        expire(event);
    const auto before = *this;
    const auto is_done = [](const Outcome& one) {
        return one.kind == "ok" || one.kind == "replay";
    };
    std::vector<Outcome> outcomes;
    for (const auto& part : parts) {
        outcomes.push_back(part.ask(*this));
        if (!is_done(outcomes.back())) break;
    }
    if (is_done(outcomes.back())) return outcomes;

    *this = before;
    const auto failed = outcomes.size() - 1;
    outcomes.resize(parts.size(), {"linked_failed"});
    for (std::size_t i = 0; i < parts.size(); ++i) {
        auto& kind = outcomes[i].kind;
        const auto& [uid, key, event, ask] = parts[i];
        const bool was_told = refused_.contains({uid, key.key});
        if (i != failed) {
            const auto answered = answered_.find({uid, key.key});
            const bool is_answered = answered != answered_.end();
            outcomes[i] =
                is_answered ? Outcome{"replay", answered->second} : Outcome{"linked_failed"};
            if (is_answered) continue;
        }
        const bool is_short = kind == "insufficient" || kind == "held_out" || kind == "sold_out";
        if (is_short && !was_told) kind = shortage(*event);
        if (!was_told) refuse(uid, key, kind);
    }
    return outcomes;
}

Outcome ReferenceModel::abandon(std::uint32_t uid, const std::string& key) {
    const auto answered = answered_.find({uid, key});
    if (answered != answered_.end()) return {"replay", answered->second};
    answered_[{uid, key}] = ++lsn_;
    return {"ok", lsn_};
}

void ReferenceModel::close_if_sold_out(std::size_t event) {
    auto& what = events_[event];
    if (!what.terms.closes_when_sold_out || what.sale == Sale::kClosed) return;
    if (available(event) > 0 || held(event) > 0) return;
    what.sale = Sale::kClosed;
    what.lsn = ++lsn_;
}

}  // namespace ticketd::tests
