#include "tests/fault/history_judge.h"

#include <algorithm>
#include <array>

namespace ticketd::testing {
namespace {

using Kind = Place::Kind;

Judgement bad(std::string problem) {
    return {{}, std::move(problem)};
}

Judgement seen_from(std::uint64_t lsn) {
    return {{Kind::kView, lsn, kForever}, ""};
}

// It saw that something was not there yet which entry `lsn` made; 0: which is not there to the end.
Judgement seen_before(std::uint64_t lsn, Kind kind = Kind::kView) {
    return {{kind, 0, lsn == 0 ? kForever : lsn - 1}, ""};
}

std::uint64_t created_lsn(const Model& model, const std::string& event) {
    const auto* found = model.find_event(event);
    return found == nullptr ? 0 : found->changes.front()->lsn;
}

bool agree(const Counts& counts, const RawEntry& state) {
    return counts.capacity == state.capacity && counts.available == state.available() &&
           counts.held == state.held && counts.sold == state.sold;
}

// The rows must be those of one moment, and all that there was then.
Judgement judge_counts(const Op& op, const Model& model) {
    Place place{Kind::kView, 0, kForever};
    const auto& rows = op.told.counts;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto& row = rows[i];
        if (op.deed == Deed::kEvents &&
            (i >= model.events().size() || model.events()[i].name != row.event)) {
            return bad("events in another order than they were made");
        }
        const auto view = model.view(row.event, row.lsn);
        if (!view) return bad("rests on an LSN that is no change of the event");
        if (!agree(row, *view->state)) return bad("counts that are not those at its LSN");
        place.first = std::max(place.first, row.lsn);
        place.last = std::min(place.last, view->last);
    }
    if (op.deed == Deed::kEvents && rows.size() < model.events().size()) {
        const auto& next = model.events()[rows.size()];
        place.last = std::min(place.last, next.changes.front()->lsn - 1);
    }
    if (place.first > place.last) return bad("events as they never were at one moment");
    return {place, ""};
}

std::string problem_with_sale(const Op& op, const RawEntry& sale, const Model& model) {
    const auto& told = op.told;
    if (sale.type != RawType::kPurchased) return "an order that is no purchase";
    if (model.events().size() <= sale.event || model.events()[sale.event].name != op.event) {
        return "an order of another event";
    }
    if (told.granted != sale.granted || told.serials.size() != sale.granted) {
        return "another number of tickets than the ledger has";
    }
    for (std::size_t i = 0; i < told.serials.size(); ++i) {
        if (told.serials[i] != sale.first_serial + i) return "other serials than the ledger has";
    }
    if (told.requested != sale.requested) return "another request than the ledger has";
    return "";
}

Judgement judge_purchase(const Op& op, const Model& model) {
    const auto& told = op.told;
    const auto* sale = model.entry(told.order);
    if (sale == nullptr) return bad("acknowledged, but not in the ledger");
    if (told.lsn != told.order) return bad("an order whose number is not its LSN");
    if (!is_request_of(op, *sale, model)) return bad("the ledger has another request there");
    if (auto problem = problem_with_sale(op, *sale, model); !problem.empty()) return bad(problem);
    if (told.available != sale->available()) return bad("another number of tickets left");
    if (!told.replayed) return {{Kind::kChange, told.order, kForever}, ""};
    return op.key.empty() ? bad("a replay without a key") : seen_from(told.order);
}

Judgement judge_order(const Op& op, const Model& model) {
    const auto* sale = model.entry_of_key(op.uid, op.key);
    if (sale == nullptr || sale->lsn != op.told.order) return bad("an order that has another key");
    if (auto problem = problem_with_sale(op, *sale, model); !problem.empty()) return bad(problem);
    return seen_from(op.told.order);
}

Judgement judge_event_change(const Op& op, const Model& model) {
    auto judgement = judge_counts(op, model);
    if (!judgement.problem.empty()) return judgement;
    const auto* entry = model.entry(op.told.counts.front().lsn);
    if (!is_request_of(op, *entry, model)) return bad("the ledger has another change there");
    return {{Kind::kChange, entry->lsn, kForever}, ""};
}

Judgement judge_abandon(const Op& op, const Model& model) {
    const auto* entry = model.entry_of_key(op.uid, op.key);
    if (entry == nullptr) return bad("a promise that is not in the ledger");
    if (op.told.order != 0) {
        return op.told.replayed ? judge_order(op, model) : bad("abandoned, and bought by that");
    }
    if (entry->type != RawType::kKeyAbandoned) return bad("abandoned, though it bought");
    if (op.told.lsn != entry->lsn) return bad("a promise with another LSN than in the ledger");
    if (op.told.replayed) return seen_from(entry->lsn);
    return {{Kind::kChange, entry->lsn, kForever}, ""};
}

Judgement judge_ok(const Op& op, const Model& model) {
    switch (op.deed) {
        case Deed::kCreate:
        case Deed::kResize:
        case Deed::kQuery:
            if (op.told.counts.size() != 1 || op.told.counts.front().event != op.event) {
                return bad("the counts of another event");
            }
            return op.deed == Deed::kQuery ? judge_counts(op, model)
                                           : judge_event_change(op, model);
        case Deed::kEvents: return judge_counts(op, model);
        case Deed::kPurchase: return judge_purchase(op, model);
        case Deed::kOrder: return judge_order(op, model);
        case Deed::kAbandon: return judge_abandon(op, model);
    }
    return bad("a deed that is not known");
}

// What a purchase has to be told; "" for a yes.
std::string right_refusal(const RawEntry& state, std::uint64_t min_quantity) {
    if (min_quantity > state.capacity) return "never_satisfiable";
    if (min_quantity <= state.available()) return "";
    if (state.available() > 0) return "insufficient";
    return state.held > 0 ? "held_out" : "sold_out";
}

Judgement judge_refusal_for_stock(const Op& op, const Model& model) {
    const auto& told = op.told;
    const auto view = model.view(op.event, told.lsn);
    if (!view) return bad("refused by an LSN that is no change of the event");
    const auto& state = *view->state;
    if (told.available != state.available() || told.held != state.held ||
        told.capacity != state.capacity || told.committed != state.held + state.sold) {
        return bad("refused with counts that are not those at its LSN");
    }
    const bool is_resize = told.refusal == "capacity_below_committed";
    if (told.requested != (is_resize ? op.capacity : op.min_quantity)) {
        return bad("refused for another quantity");
    }
    if (is_resize) {
        if (op.capacity >= state.held + state.sold) return bad("refused without a reason");
        return {{Kind::kView, told.lsn, view->last}, ""};
    }
    const auto right = right_refusal(state, op.min_quantity);
    if (right.empty()) return bad("refused, though there were enough left (undersell)");
    if (right != told.refusal) return bad("refused as " + told.refusal + ", not as " + right);
    return {{op.key.empty() ? Kind::kView : Kind::kRemembered, told.lsn, view->last}, ""};
}

Judgement judge_not_found(const Op& op, const Model& model) {
    if (op.deed == Deed::kOrder) {
        const auto* entry = model.entry_of_key(op.uid, op.key);
        return seen_before(entry == nullptr ? 0 : entry->lsn);
    }
    const bool is_remembered = op.deed == Deed::kPurchase && !op.key.empty();
    return seen_before(created_lsn(model, op.event),
                       is_remembered ? Kind::kRemembered : Kind::kView);
}

Judgement judge_refused(const Op& op, const Model& model) {
    const auto& kind = op.told.refusal;
    const bool is_purchase = op.deed == Deed::kPurchase;
    if (is_refusal_for_stock(op)) return judge_refusal_for_stock(op, model);
    if (kind == "capacity_below_committed" && op.deed == Deed::kResize) {
        return judge_refusal_for_stock(op, model);
    }
    if (kind == "not_found" && op.deed != Deed::kCreate) return judge_not_found(op, model);
    if (kind == "exists" && op.deed == Deed::kCreate) {
        const auto view = model.view(op.event, op.told.lsn);
        if (!view) return bad("exists by an LSN that is no change of the event");
        return {{Kind::kView, op.told.lsn, view->last}, ""};
    }
    const auto* entry = model.entry_of_key(op.uid, op.key);
    if (kind == "key_mismatch" && is_purchase && !op.key.empty()) {
        if (entry == nullptr) return seen_from(0);  // a refusal is remembered: see the key rules
        if (is_request_of(op, *entry, model)) return bad("a mismatch with its own request");
        return seen_from(0);
    }
    if (kind == "key_abandoned" && (is_purchase || op.deed == Deed::kOrder) && entry != nullptr &&
        entry->type == RawType::kKeyAbandoned && entry->lsn == op.told.lsn) {
        return seen_from(entry->lsn);
    }
    if (kind == "busy" || kind == "storage_full") return {};
    return bad("refused as " + kind + ", which nothing explains");
}

}  // namespace

Judgement judge(const Op& op, const Model& model) {
    switch (op.answer) {
        case Answer::kUnknown: return {};
        case Answer::kOk: return judge_ok(op, model);
        case Answer::kRefused: return judge_refused(op, model);
    }
    return bad("an answer that is not known");
}

bool is_request_of(const Op& op, const RawEntry& entry, const Model& model) {
    if (entry.uid != op.uid || entry.key != op.key) return false;
    const auto is_of_event = [&] {
        return entry.event < model.events().size() && model.events()[entry.event].name == op.event;
    };
    switch (op.deed) {
        case Deed::kCreate:
            return entry.type == RawType::kEventCreated && entry.event_name == op.event &&
                   entry.capacity == op.capacity;
        case Deed::kResize:
            return entry.type == RawType::kEventResized && is_of_event() &&
                   entry.capacity == op.capacity;
        case Deed::kPurchase:
            return entry.type == RawType::kPurchased && is_of_event() &&
                   entry.requested == op.quantity && entry.min_quantity == op.min_quantity &&
                   entry.memo == op.memo;
        case Deed::kAbandon: return entry.type == RawType::kKeyAbandoned;
        case Deed::kQuery:
        case Deed::kEvents:
        case Deed::kOrder: return false;
    }
    return false;
}

bool is_refusal_for_stock(const Op& op) {
    constexpr std::array<const char*, 4> kKinds{"sold_out", "insufficient", "held_out",
                                                "never_satisfiable"};
    return op.answer == Answer::kRefused && op.deed == Deed::kPurchase &&
           std::find(kKinds.begin(), kKinds.end(), op.told.refusal) != kKinds.end();
}

std::string name_of(const Op& op) {
    constexpr std::array<const char*, 7> kDeeds{"create", "resize", "purchase", "query",
                                                "events", "order",  "abandon"};
    auto name = "client " + std::to_string(op.client) + " op " + std::to_string(op.number) + ", " +
                kDeeds[static_cast<std::size_t>(op.deed)];
    if (!op.event.empty()) name += " of " + op.event;
    if (!op.key.empty()) name += " with key " + op.key;
    return name;
}

}  // namespace ticketd::testing
