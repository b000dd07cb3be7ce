#include "tests/fault/history_judge_orders.h"

#include <algorithm>

#include "tests/fault/history_slots.h"

namespace ticketd::testing {
namespace {

using Kind = Place::Kind;

std::uint64_t order_of(const RawEntry& entry) {
    return entry.order == 0 ? entry.lsn : entry.order;
}

std::string problem_with_event(const Op& op, const RawEntry& entry, const Model& model) {
    const bool is_its = entry.event < model.events().size() &&
                        model.events()[entry.event].name == op.event &&
                        entry.type != RawType::kKeyAbandoned;
    return is_its ? "" : "an order of another event";
}

std::string problem_with_tickets(const Told& told, std::uint64_t granted,
                                 const std::vector<std::uint64_t>& tickets) {
    if (told.granted != granted || told.serials.size() != tickets.size()) {
        return "another number of tickets than the ledger has";
    }
    return told.serials == tickets ? "" : "other serials than the ledger has";
}

// Of the answer that the entry gives to the request that made it.
std::string problem_with_answer(const Op& op, const RawEntry& entry, const Model& model) {
    const auto& told = op.told;
    if (auto problem = problem_with_event(op, entry, model); !problem.empty()) return problem;
    if (told.order != order_of(entry)) return "an order whose number is not its LSN";
    if (told.state != state_after(entry)) return "another state than the ledger has";
    const bool begins = entry.order == 0;
    if (told.requested != (begins ? entry.requested : 0)) {
        return "another request than the ledger has";
    }
    auto problem = problem_with_tickets(told, entry.granted, tickets_of(entry));
    if (!problem.empty()) return problem;
    if (told.returned != entry.returned) return "other tickets returned than the ledger says";
    return told.available == entry.available() ? "" : "another number of tickets left";
}

bool is_order(const RawEntry* entry) {
    return entry != nullptr &&
           (entry->type == RawType::kPurchased || entry->type == RawType::kHeld);
}

bool has_all(const std::vector<std::uint64_t>& tickets, const std::vector<std::uint64_t>& wanted) {
    return std::all_of(wanted.begin(), wanted.end(), [&tickets](auto number) {
        return std::find(tickets.begin(), tickets.end(), number) != tickets.end();
    });
}

// That an order does not live, or has not got its tickets, at the LSN that is named.
Judgement judge_wrong_state(const Op& op, const Model& model) {
    const auto view = model.order(op.order, op.told.lsn);
    if (!view || op.told.order != op.order || view->newest->lsn != op.told.lsn) {
        return bad("the state of an order as it never was");
    }
    const auto state = state_after(*view->newest);
    const bool is_cancel = op.deed == Deed::kCancel;
    const bool could_be = is_cancel
                              ? state == "sold" && has_all(tickets_of(*view->newest), op.serials)
                              : state == "held";
    if (could_be) return bad("refused, though the order is " + state);
    if ((state == "expired") != (op.told.refusal == "hold_expired")) {
        return bad("refused as " + op.told.refusal + ", though the order is " + state);
    }
    return {{op.key.empty() ? Kind::kView : Kind::kRemembered, op.told.lsn, view->last}, ""};
}

Judgement judge_too_many(const Op& op, const Model& model) {
    const auto view = model.order(op.order, op.told.lsn);
    if (!view) return bad("too many of an order that there was not");
    const bool is_cancel = op.deed == Deed::kCancel;
    const auto has = is_cancel ? tickets_of(*view->newest).size() : view->first->granted;
    const bool is_right = state_after(*view->newest) == (is_cancel ? "sold" : "held");
    if (!is_right || op.quantity <= has) return bad("refused, though the order has so many");
    return {{op.key.empty() ? Kind::kView : Kind::kRemembered, op.told.lsn, view->last}, ""};
}

// Slots are used again, so none is taken back for good; nothing else of the order is looked at, and
// the key is not told no by that.
Judgement judge_slots_for_good(const Op& op, const Model& model) {
    const auto* first = model.entry(op.order);
    const bool is_of_slots = is_order(first) && has_slots(*model.events()[first->event].rules);
    return is_of_slots ? seen_from(op.order) : bad("refused for slots that are none");
}

// Root is an operator, who may change everybody's orders.
Judgement judge_no_such_order(const Op& op, const Model& model) {
    const auto* first = model.entry(op.order);
    const bool is_foreign = is_order(first) && first->uid != op.uid && op.uid != 0;
    if (is_foreign || !is_order(first)) return {{Kind::kView, 0, kForever}, ""};
    const auto kind = op.key.empty() ? Kind::kView : Kind::kRemembered;
    return {{kind, 0, op.order - 1}, ""};
}

}  // namespace

Judgement judge_change(const Op& op, const Model& model) {
    const auto& told = op.told;
    const auto* entry = model.entry(told.lsn);
    if (entry == nullptr) return bad("acknowledged, but not in the ledger");
    if (entry->uid != op.uid || entry->key != op.key || !is_asked_order(op, *entry, model)) {
        return bad("the ledger has another request there");
    }
    if (auto problem = problem_with_answer(op, *entry, model); !problem.empty()) {
        return bad(problem);
    }
    if (!told.replayed) return {{Kind::kChange, told.lsn, kForever}, ""};
    return op.key.empty() ? bad("a replay without a key") : seen_from(told.lsn);
}

Judgement judge_order(const Op& op, const Model& model) {
    const auto& told = op.told;
    const auto* entry = model.entry_of_key(op.uid, op.key);
    if (entry == nullptr || order_of(*entry) != told.order) {
        return bad("an order that has another key");
    }
    const auto view = model.order(told.order, told.lsn);
    if (!view || view->newest->lsn != told.lsn || told.lsn < entry->lsn) {
        return bad("an order as it never was");
    }
    const auto& [first, newest, last] = *view;
    if (auto problem = problem_with_event(op, *first, model); !problem.empty()) return bad(problem);
    if (told.requested != first->requested) return bad("another request than the ledger has");
    if (told.state != state_after(*newest)) return bad("another state than the ledger has");
    const bool has_numbers = newest->is_sale() || newest->type == RawType::kCancelled;
    const auto tickets = tickets_of(told.state == "held" ? *first : *newest);
    auto problem =
        problem_with_tickets(told, has_numbers ? tickets.size() : first->granted, tickets);
    if (!problem.empty()) return bad(problem);
    return {{Kind::kView, told.lsn, last}, ""};
}

Judgement judge_abandon(const Op& op, const Model& model) {
    const auto* entry = model.entry_of_key(op.uid, op.key);
    if (entry == nullptr) return bad("a promise that is not in the ledger");
    if (op.told.order != 0) {
        if (!op.told.replayed) return bad("abandoned, and done by that");
        auto problem = problem_with_answer(op, *entry, model);
        return problem.empty() ? seen_from(entry->lsn) : bad(problem);
    }
    if (entry->type != RawType::kKeyAbandoned) return bad("abandoned, though it was done");
    if (op.told.lsn != entry->lsn) return bad("a promise with another LSN than in the ledger");
    if (op.told.replayed) return seen_from(entry->lsn);
    return {{Kind::kChange, entry->lsn, kForever}, ""};
}

std::optional<Judgement> judge_refused_change(const Op& op, const Model& model) {
    const auto& kind = op.told.refusal;
    if (!changes_order(op.deed)) return std::nullopt;
    if (kind == "wrong_state" || kind == "hold_expired") return judge_wrong_state(op, model);
    if (kind == "invalid_params" && !op.restocks && op.told.lsn == 0) {
        return judge_slots_for_good(op, model);
    }
    if (kind == "invalid_params") return judge_too_many(op, model);
    if (kind == "not_found") return judge_no_such_order(op, model);
    return std::nullopt;
}

bool is_asked_order(const Op& op, const RawEntry& entry, const Model& model) {
    const auto ttl = entry.expires_ms == 0 ? 0 : entry.expires_ms - entry.time_ms;
    const bool is_new_order = entry.requested == op.quantity &&
                              entry.min_quantity == op.min_quantity && entry.memo == op.memo &&
                              problem_with_event(op, entry, model).empty();
    switch (op.deed) {
        case Deed::kPurchase: return entry.type == RawType::kPurchased && is_new_order;
        case Deed::kHold:
            return entry.type == RawType::kHeld && is_new_order && ttl == op.ttl_ms &&
                   (entry.bind != 0) == op.is_bound;
        default: break;
    }
    if (entry.order != op.order) return false;
    switch (op.deed) {
        case Deed::kConfirm:
            return entry.type == RawType::kConfirmed && entry.requested == op.quantity;
        case Deed::kRelease: return entry.type == RawType::kReleased;
        case Deed::kExtend: return entry.type == RawType::kExtended && ttl == op.ttl_ms;
        case Deed::kCancel:
            return entry.type == RawType::kCancelled && entry.requested == op.quantity &&
                   entry.names_tickets == !op.serials.empty() && entry.memo.empty() &&
                   entry.restocks == op.restocks &&
                   (op.serials.empty() || entry.returned == op.serials);
        default: return false;
    }
}

}  // namespace ticketd::testing
