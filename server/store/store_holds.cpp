// The store's part of holds: made, confirmed, given back, extended, and ended when their time is up
// or what they were bound to is no more.
#include <algorithm>

#include "common/check.h"
#include "common/limits.h"
#include "server/store/store.h"

namespace ticketd::store {
namespace {

struct TypeOf {
    EntryType operator()(const box_office::Confirm&) const { return EntryType::kConfirmed; }
    EntryType operator()(const Release&) const { return EntryType::kReleased; }
    EntryType operator()(const Extend&) const { return EntryType::kExtended; }
};

box_office::Refusal of_limit(box_office::Limit limit_of, std::uint64_t limit) {
    box_office::Refusal refusal;
    refusal.kind = ErrorKind::kLimitReached;
    refusal.limit = limit;
    refusal.limit_of = limit_of;
    return refusal;
}

}  // namespace

ChangeResult Store::hold(const HoldRequest& request, Turn turn) {
    const auto event = request.order.event;
    const auto uid = request.order.uid;
    const Asked asked{request};
    if (auto answer = answer_at_once(asked)) return *std::move(answer);
    const auto lock = enter(event);
    if (!lock) return LockHeld{};
    if (state().holds().size() >= limits::kHolds) return Refused{{ErrorKind::kBusy}};
    if (state().holds_of(uid) >= limits::kHoldsPerUid) {
        return Refused{of_limit(box_office::Limit::kHolds, limits::kHoldsPerUid),
                       state().last_lsn(), false};
    }

    if (auto refused = refuse_new_buyer(request.order)) return *refused;
    const auto& [name, stock, rules, slots] = state().event(event);
    const auto terms = terms_of(request.order);
    auto entry = new_entry(EntryType::kHeld, uid, event);
    const auto decision = decide_hold(stock, rules, terms, entry.time_ms);
    if (const auto* refusal = std::get_if<box_office::Refusal>(&decision)) {
        return refuse(asked, event, *refusal, turn);
    }
    if (turn.is_behind) return refuse(asked, event, reserve_for_line(stock, terms), turn);
    const auto& held = std::get<box_office::Held>(decision);
    entry.after = held.after;
    fill_in(entry, request.order, held.granted);
    if (request.ttl_ms > 0) entry.expires_ms = entry.time_ms + request.ttl_ms;
    entry.binding = request.binding;
    return commit(std::move(entry));
}

ChangeResult Store::change_hold(const HoldChangeRequest& request) {
    const auto& [uid, is_operator, order, change, key] = request;
    const Asked asked{request};
    if (auto answer = answer_change_at_once(asked, order)) return *std::move(answer);
    const auto* hold = state().find_hold(order);
    if (hold == nullptr) return not_held(asked, order);
    const auto event = hold->event;
    const auto lock = enter(event);
    if (!lock) return LockHeld{};
    hold = state().find_hold(order);
    if (hold == nullptr) return not_held(asked, order);
    if (hold->uid != uid && !is_operator) return refuse(asked, event, {ErrorKind::kNotFound});
    // It has ended, but there was no room to say so.
    const auto deadline = deadlines_.find(order);
    if (deadline && deadline->at <= instant_.elapsed) return Refused{{ErrorKind::kBusy}};

    const auto& stock = state().event(event).stock;
    auto entry = change_of(order, *hold, std::visit(TypeOf{}, change), uid);
    entry.key = key;
    if (const auto* confirm = std::get_if<box_office::Confirm>(&change)) {
        const auto decision = decide(stock, hold->quantity, *confirm);
        if (const auto* refusal = std::get_if<box_office::Refusal>(&decision)) {
            return refuse(asked, event, *refusal);
        }
        const auto& sale = std::get<box_office::Sale>(decision);
        entry.after = sale.after;
        entry.requested = confirm->quantity;
        entry.granted = sale.granted;
        if (state().event(event).rules.terms.reuses_numbers) {
            entry.tickets = {hold->slots.begin(),
                             hold->slots.begin() + static_cast<std::ptrdiff_t>(sale.granted)};
        } else {
            entry.first_serial = sale.first_serial;
        }
        return commit_sale(std::move(entry));
    }
    if (const auto* extend = std::get_if<Extend>(&change)) {
        const auto end_ms = extended_end_ms(*hold, extend->ttl_ms, entry.time_ms);
        if (!end_ms) {
            return refuse(asked, event, of_limit(box_office::Limit::kHoldLife, limits::kHoldMsMax));
        }
        entry.after = stock;
        entry.expires_ms = *end_ms;
    }
    return commit(std::move(entry));
}

std::optional<ChangeResult> Store::answer_change_at_once(const Asked& asked, Lsn order) {
    return as_not_held(answer_at_once(asked), order);
}

// Who was told that an order is not what it has to be is told so again, as it was then.
std::optional<ChangeResult> Store::as_not_held(std::optional<ChangeResult> answer, Lsn order) {
    const auto* refused = answer ? std::get_if<Refused>(&*answer) : nullptr;
    const bool was_not_held = refused != nullptr && refused->refusal.kind == ErrorKind::kWrongState;
    return was_not_held ? ChangeResult{NotHeld{order, refused->lsn}} : std::move(answer);
}

// That it is no live hold is for good, unless it is no order yet.
ChangeResult Store::not_held(const Asked& asked, Lsn order) {
    const auto last = state().last_lsn();
    if (order == 0 || order > last) {
        remember(asked, {ErrorKind::kNotFound}, last);
        return Refused{{ErrorKind::kNotFound}, last, false};
    }
    remember(asked, {ErrorKind::kWrongState}, last);
    return NotHeld{order, last};
}

// Unless it is confirmed or extended, its tickets return.
Entry Store::change_of(Lsn order, const box_office::Hold& hold, EntryType type, UserId uid) {
    auto entry = new_entry(type, uid, hold.event);
    entry.order = order;
    entry.previous = hold.last;
    entry.after = give_back(state().event(hold.event).stock, hold.quantity);
    return entry;
}

// Under the slot's lock. Without room for their entries they have to wait, as everything else.
void Store::end_due_holds(EventId event) {
    if (!deadlines_.next_of(event)) return;
    const auto now = instant_.elapsed;
    for (auto due = deadlines_.first_due(event, now); due; due = deadlines_.first_due(event, now)) {
        if (refuse_for_space()) return;
        const auto* hold = state().find_hold(due->order);
        TICKETD_CHECK(hold != nullptr);
        const auto type = due->why == HoldEnd::kTime ? EntryType::kExpired : EntryType::kReleased;
        commit(change_of(due->order, *hold, type, hold->uid));
    }
}

void Store::end_due_holds() {
    if (!deadlines_.next()) return;
    for (const auto event : deadlines_.due(now().elapsed))
        static_cast<void>(enter(event));
}

void Store::note_gone(Lsn order) {
    const auto* hold = state().find_hold(order);
    if (hold == nullptr) return;
    deadlines_.set(order, Deadlines::Deadline{hold->event, now().elapsed, HoldEnd::kGone});
}

std::chrono::milliseconds Store::until_next_end() const {
    const auto next = deadlines_.next();
    if (!next) return {};
    return std::max(*next - now().elapsed, std::chrono::milliseconds{0});
}

std::optional<std::chrono::milliseconds> Store::left_of(Lsn order) const {
    const auto deadline = deadlines_.find(order);
    if (!deadline) return std::nullopt;
    return std::max(deadline->at - now().elapsed, std::chrono::milliseconds{0});
}

// By the clock that nobody can set, from what is stored in the time of day.
std::optional<Deadlines::Deadline> Store::deadline_of(const box_office::Hold& hold) const {
    if (hold.expires_ms == 0) return std::nullopt;
    const std::chrono::milliseconds left{box_office::left_ms(hold, time_ms(instant_))};
    return Deadlines::Deadline{hold.event, instant_.elapsed + left, HoldEnd::kTime};
}

}  // namespace ticketd::store
