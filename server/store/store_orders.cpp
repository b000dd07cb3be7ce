// The store's part of orders that are sold, and of what they have in common with holds: whose they
// are and which numbers their tickets get.
#include "common/check.h"
#include "common/limits.h"
#include "server/store/store.h"

namespace ticketd::store {

ChangeResult Store::purchase(const PurchaseRequest& request, Turn turn) {
    const Asked asked{request};
    if (auto answer = answer_at_once(asked)) return *std::move(answer);
    const auto lock = enter(request.event);
    if (!lock) return LockHeld{};
    if (auto refused = refuse_new_buyer(request)) return *refused;

    const auto& [name, stock, rules, slots] = state().event(request.event);
    const auto terms = terms_of(request);
    auto entry = new_entry(EntryType::kPurchased, request.uid, request.event);
    const auto decision = decide(stock, rules, terms, entry.time_ms);
    if (const auto* refusal = std::get_if<box_office::Refusal>(&decision)) {
        return refuse(asked, request.event, *refusal, turn);
    }
    if (turn.is_behind) return refuse(asked, request.event, reserve_for_line(stock, terms), turn);
    const auto& sale = std::get<box_office::Sale>(decision);
    entry.after = sale.after;
    fill_in(entry, request, sale.granted);
    return commit_sale(std::move(entry));
}

Store::Preview Store::preview(const PurchaseRequest& request) {
    const auto event = request.event;
    const auto lock = enter(event);
    if (!lock) return LockHeld{};
    const auto& [name, stock, rules, slots] = state().event(event);
    const auto decision = decide(stock, rules, terms_of(request), now_ms());
    if (const auto* refusal = std::get_if<box_office::Refusal>(&decision)) {
        return Refused{with_next_end(event, *refusal), stock.lsn, false};
    }
    return std::get<box_office::Sale>(decision);
}

ChangeResult Store::cancel(const CancelRequest& request, const KnownOrder* known) {
    const Asked asked{request};
    if (auto answer = answer_change_at_once(asked, request.order)) return *std::move(answer);
    const auto last = state().last_lsn();
    const bool is_visible =
        known != nullptr && (request.is_operator || known->first.uid == request.uid);
    if (!is_visible) {
        remember(asked, {ErrorKind::kNotFound}, last);
        return Refused{{ErrorKind::kNotFound}, last, false};
    }
    const auto& [first, newest, lookup] = *known;
    const auto lock = enter(first.event);
    if (!lock) return LockHeld{};
    if (!order_index_.is_current(lookup)) return Outdated{};
    const auto tickets =
        concerns_sold(newest.type) ? tickets_after(newest) : box_office::TicketNumbers{};
    const auto decision = decide(state().event(first.event).stock, tickets, request.terms);
    if (const auto* refusal = std::get_if<box_office::Refusal>(&decision)) {
        if (refusal->kind == ErrorKind::kWrongState) return not_held(asked, request.order);
        return refuse(asked, first.event, *refusal);
    }
    const auto& cancelled = std::get<box_office::Cancelled>(decision);
    auto entry = new_entry(EntryType::kCancelled, request.uid, first.event);
    entry.order = request.order;
    entry.previous = newest.lsn;
    entry.after = cancelled.after;
    entry.requested = request.terms.quantity;
    entry.names_tickets = !request.terms.numbers.empty();
    entry.restocks = request.terms.restocks;
    entry.tickets = cancelled.kept;
    entry.returned = cancelled.returned;
    entry.owner = first.uid;
    entry.buyer = first.buyer;
    entry.key = request.key;
    entry.memo = request.reason;
    TICKETD_CHECK(!problem_with_cancellation(entry, newest));
    return commit(std::move(entry));
}

// Names cost nothing to invent, and each that has tickets is counted in memory.
std::optional<Refused> Store::refuse_new_buyer(const PurchaseRequest& request) const {
    if (request.buyer.empty() || state().buyers().size() < limits::kBuyers) return std::nullopt;
    if (terms_of(request).owned > 0) return std::nullopt;
    return Refused{{ErrorKind::kBusy}};
}

box_office::Purchase Store::terms_of(const PurchaseRequest& request) const {
    auto terms = request.terms;
    const auto buyer = state().buyer(request.uid, request.buyer);
    terms.owned = state().buyers().tickets({request.event, buyer});
    return terms;
}

void Store::fill_in(Entry& entry, const PurchaseRequest& request, std::uint64_t granted) const {
    entry.requested = request.terms.quantity;
    entry.min_quantity = request.terms.min_quantity;
    entry.granted = granted;
    entry.key = request.key;
    entry.buyer = request.buyer;
    entry.memo = request.memo;
    const auto& event = state().event(request.event);
    if (event.rules.terms.reuses_numbers) {
        entry.tickets = event.slots.lowest_free(granted);
    } else if (is_sale(entry.type)) {
        entry.first_serial = event.stock.next_serial;
    }
}

}  // namespace ticketd::store
