// The store's part of atomic batches: every lock first, in the order of the slots; then one request
// after another, as if they came alone; their entries become one group of the journal, or none.
#include <algorithm>

#include "common/check.h"
#include "common/limits.h"
#include "server/store/store.h"

namespace ticketd::store {
namespace {

bool is_done(const ChangeResult& result) {
    return std::holds_alternative<Changed>(result) || std::holds_alternative<Replay>(result);
}

bool is_linked(const ChangeResult& result) {
    const auto* refused = std::get_if<Refused>(&result);
    return refused != nullptr && refused->refusal.kind == ErrorKind::kLinkedFailed;
}

const Entry* entry_of(const ChangeResult& result) {
    const auto* changed = std::get_if<Changed>(&result);
    return changed == nullptr ? nullptr : &changed->entry;
}

}  // namespace

std::variant<LockHeld, std::vector<ChangeResult>> Store::atomically(
    const std::vector<BatchRequest>& items, Lines& lines) {
    TICKETD_CHECK(items.size() <= limits::kAtomicRequests && !staged_);
    auto events = events_of(items);
    std::vector<StockFile::SlotLock> locks;
    for (const auto event : events) {
        auto lock = lock_slot(event);
        if (!lock || !settle_slot(event)) return LockHeld{event};
        locks.push_back(*std::move(lock));
    }
    instant_ = now();
    for (const auto event : events)
        end_due_holds(event);
    std::size_t bytes = 0;
    for (const auto& item : items)
        bytes += bytes_at_most(item);
    const bool has_room = journal_->has_room(bytes);
    if (journal_->is_backlogged() || !has_room) {
        const auto kind = has_room ? ErrorKind::kBusy : ErrorKind::kStorageFull;
        return std::vector<ChangeResult>(items.size(), Refused{{kind}});
    }

    const auto undoable_before = undo_.size();
    staged_.emplace(Staged{{}, 0, std::move(events)});
    std::vector<ChangeResult> results;
    auto lines_after = lines;
    for (const auto& item : items) {
        results.push_back(ask(item, lines_after));
        if (!is_done(results.back())) break;
    }
    if (is_done(results.back())) {
        if (staged_->count > 0) journal_->append(staged_->entries, staged_->count);
        open_group_ = open_group_ || staged_->count > 0;
        staged_.reset();
        lines = std::move(lines_after);
        return results;
    }
    take_back_staged(undoable_before);
    find_cause(items, results);
    tell_of_failure(items, results.size() - 1, results);
    return results;
}

// Of its entry, and of the one that closes its event if it was the last ticket.
std::size_t Store::bytes_at_most(const BatchRequest& request) const {
    constexpr std::size_t kNumbers = 64, kSet = 16;
    std::size_t bytes = 2 * (kEntryFixedBytes + kNumbers) + kSet + key_of(request).size();
    if (const auto* order = order_of(request)) bytes += order->memo.size() + order->buyer.size();
    // The hold that is changed may be made by the same batch.
    const auto event = event_of(request);
    const bool has_slots = !event || state().event(*event).rules.terms.reuses_numbers;
    return has_slots ? bytes + limits::kSlots / 8 : bytes;
}

// At the end of the line of its event.
ChangeResult Store::ask(const BatchRequest& item, Lines& lines) {
    const auto* order = order_of(item);
    const auto found = order == nullptr ? lines.end() : lines.find(order->event);
    if (found == lines.end()) return ask(item, Turn{});
    auto& line = found->second;
    const auto& [name, stock, rules, slots] = state().event(order->event);
    const auto place = line.join(order->terms.min_quantity);
    const bool is_behind = line.next(stock.available(), rules.terms.line) != place;
    auto result = ask(item, Turn{is_behind, false});
    if (std::holds_alternative<Changed>(result)) {
        line.served(place);
    } else {
        line.leave(place);
    }
    return result;
}

std::optional<EventId> Store::event_of(const BatchRequest& request) const {
    if (const auto* order = order_of(request)) return order->event;
    const auto* hold = state().find_hold(std::get<HoldChangeRequest>(request).order);
    return hold == nullptr ? std::nullopt : std::optional{hold->event};
}

std::set<EventId> Store::events_of(const std::vector<BatchRequest>& requests) const {
    std::set<EventId> events;
    for (const auto& request : requests) {
        if (const auto event = event_of(request)) events.insert(*event);
    }
    return events;
}

void Store::take_back_staged(std::size_t undoable_before) {
    while (undo_.size() > undoable_before)
        undo_newest();
    const auto touched = std::move(staged_->locked);
    staged_.reset();
    for (const auto event : touched)
        write_slot(event);
}

ChangeResult Store::link(const BatchRequest& item) {
    auto known = known_answer(item);
    if (known && std::holds_alternative<Replay>(*known)) return *std::move(known);
    const Refused linked{{ErrorKind::kLinkedFailed}, state().last_lsn(), false};
    remember(item, linked);
    return linked;
}

void Store::remember(const BatchRequest& item, const Refused& refused) {
    std::visit([&](const auto& asked) { remember(Asked{asked}, refused.refusal, refused.lsn); },
               item);
}

// A batch that is asked for again fails by what it failed by before, as far as keys tell: those
// that were only linked to that come first, and say nothing. The cause is the last of the results
// then.
void Store::find_cause(const std::vector<BatchRequest>& items, std::vector<ChangeResult>& results) {
    if (!is_linked(results.back())) return;
    for (auto i = results.size(); i < items.size(); ++i) {
        auto known = known_answer(items[i]);
        if (!known || is_done(*known) || is_linked(*known)) continue;
        results.resize(i, LockHeld{});
        results.push_back(*std::move(known));
        return;
    }
}

std::optional<ChangeResult> Store::known_answer(const BatchRequest& request) {
    auto answer =
        std::visit([this](const auto& asked) { return answer_known_key(Asked{asked}); }, request);
    const auto* change = std::get_if<HoldChangeRequest>(&request);
    return change == nullptr ? std::move(answer) : as_not_held(std::move(answer), change->order);
}

// What of an event the batch would have taken before this refusal, as far as that counts for it.
std::uint64_t Store::taken_before(const box_office::Refusal& refusal, const PurchaseRequest& order,
                                  const std::vector<ChangeResult>& results) {
    const bool is_limit = refusal.kind == ErrorKind::kLimitReached;
    if (is_limit && refusal.limit_of != box_office::Limit::kBuyer) return 0;
    std::uint64_t taken = 0;
    for (const auto& result : results) {
        const auto* entry = entry_of(result);
        if (entry == nullptr || entry->event != order.event || !begins_order(entry->type)) continue;
        if (!is_limit || entry->buyer == order.buyer) taken += entry->granted;
    }
    return taken;
}

// In a refusal for want of tickets, or for a limit: the numbers are those of what is there, and
// `requested` is what the batch would have taken of it.
void Store::restate(const PurchaseRequest& order, Refused& refused,
                    const std::vector<ChangeResult>& results) const {
    auto& refusal = refused.refusal;
    const auto& stock = state().event(order.event).stock;
    refusal.requested += taken_before(refusal, order, results);
    refusal.available = stock.available();
    refusal.held = stock.held;
    refusal.committed = stock.committed();
    if (refusal.owned) refusal.owned = terms_of(order).owned;
    const bool is_short = refusal.kind == ErrorKind::kSoldOut ||
                          refusal.kind == ErrorKind::kHeldOut ||
                          refusal.kind == ErrorKind::kInsufficient;
    if (is_short) {
        refusal.kind = shortage(stock);
        refusal.wait_ms = 0;
        refusal = with_next_end(order.event, refusal);
    }
    refused.lsn = stock.lsn;
}

void Store::tell_of_failure(const std::vector<BatchRequest>& items, std::size_t failed,
                            std::vector<ChangeResult>& results) {
    if (auto* refused = std::get_if<Refused>(&results[failed])) {
        const auto& refusal = refused->refusal;
        const auto* order = order_of(items[failed]);
        if (order != nullptr && refusal.capacity > 0 && !refused->replayed) {
            restate(*order, *refused, results);
        }
        refused->lsn = std::min(refused->lsn, state().last_lsn());
        if (!refused->replayed && refusal.kind != ErrorKind::kStorageFull &&
            refusal.kind != ErrorKind::kBusy) {
            remember(items[failed], *refused);
        }
    }
    if (auto* not_held = std::get_if<NotHeld>(&results[failed])) {
        not_held->as_of = std::min(not_held->as_of, state().last_lsn());
        remember(items[failed], {{ErrorKind::kWrongState}, not_held->as_of, false});
    }
    results.resize(items.size(), LockHeld{});
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (i != failed) results[i] = link(items[i]);
    }
}

}  // namespace ticketd::store
