#include "tests/fault/history_judge.h"

#include <algorithm>
#include <array>

#include "tests/fault/history_judge_orders.h"
#include "tests/fault/history_slots.h"

namespace ticketd::testing {
namespace {

using Kind = Place::Kind;

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

Judgement judge_event_change(const Op& op, const Model& model) {
    auto judgement = judge_counts(op, model);
    if (!judgement.problem.empty()) return judgement;
    const auto* entry = model.entry(op.told.counts.front().lsn);
    if (!is_request_of(op, *entry, model)) return bad("the ledger has another change there");
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
        case Deed::kPurchase:
        case Deed::kHold:
        case Deed::kConfirm:
        case Deed::kRelease:
        case Deed::kExtend:
        case Deed::kCancel: return judge_change(op, model);
        case Deed::kOrder: return judge_order(op, model);
        case Deed::kAbandon: return judge_abandon(op, model);
    }
    return bad("a deed that is not known");
}

// What a purchase has to be told, if with those ahead in its batch so many are wanted; "" for a
// yes. Whether there was a line, and it had waited for long enough: see history_line.h.
std::string right_refusal(const RawEntry& state, const Op& op, std::uint64_t wanted) {
    if (op.min_quantity > state.capacity) return "never_satisfiable";
    if (op.told.refusal == "wait_timeout") return "wait_timeout";
    if (wanted <= state.available()) {
        return op.told.refusal == "reserved_for_line" ? "reserved_for_line" : "";
    }
    if (state.available() > 0) return "insufficient";
    return state.held > state.overcommit ? "held_out" : "sold_out";
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
    const auto wanted = is_resize ? op.capacity : op.ahead + op.min_quantity;
    if (told.requested != wanted) return bad("refused for another quantity");
    if (is_resize) {
        if (op.capacity >= state.held + state.sold) return bad("refused without a reason");
        return {{Kind::kView, told.lsn, view->last}, ""};
    }
    const auto right = right_refusal(state, op, wanted);
    if (right.empty()) return bad("refused, though there were enough left (undersell)");
    if (right != told.refusal) return bad("refused as " + told.refusal + ", not as " + right);
    return {{op.key.empty() ? Kind::kView : Kind::kRemembered, told.lsn, view->last}, ""};
}

Judgement judge_not_found(const Op& op, const Model& model) {
    if (op.deed == Deed::kOrder) {
        const auto* entry = model.entry_of_key(op.uid, op.key);
        return seen_before(entry == nullptr ? 0 : entry->lsn);
    }
    const bool is_remembered = may_have_key(op.deed) && !op.key.empty();
    return seen_before(created_lsn(model, op.event),
                       is_remembered ? Kind::kRemembered : Kind::kView);
}

Judgement judge_refused(const Op& op, const Model& model) {
    const auto& kind = op.told.refusal;
    const bool is_keyed = may_have_key(op.deed) && !op.key.empty();
    if (is_refusal_for_stock(op)) return judge_refusal_for_stock(op, model);
    if (auto judgement = judge_refused_change(op, model)) return *judgement;
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
    if (kind == "key_mismatch" && is_keyed) {
        if (entry == nullptr) return seen_from(0);  // a refusal is remembered: see the key rules
        if (is_request_of(op, *entry, model)) return bad("a mismatch with its own request");
        return seen_from(0);
    }
    if (kind == "key_abandoned" && (is_keyed || op.deed == Deed::kOrder) && entry != nullptr &&
        entry->type == RawType::kKeyAbandoned && entry->lsn == op.told.lsn) {
        return seen_from(entry->lsn);
    }
    if (kind == "linked_failed" && is_keyed) return {{Kind::kRemembered, 0, kForever}, ""};
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
                   entry.capacity == op.capacity && has_slots(entry) == op.has_slots;
        case Deed::kResize:
            return entry.type == RawType::kEventResized && is_of_event() &&
                   entry.capacity == op.capacity;
        case Deed::kAbandon: return entry.type == RawType::kKeyAbandoned;
        case Deed::kQuery:
        case Deed::kEvents:
        case Deed::kOrder: return false;
        default: return is_asked_order(op, entry, model);
    }
}

bool is_refusal_for_stock(const Op& op) {
    constexpr std::array<const char*, 6> kKinds{"sold_out",          "insufficient",
                                                "held_out",          "never_satisfiable",
                                                "reserved_for_line", "wait_timeout"};
    return op.answer == Answer::kRefused && wants_tickets(op.deed) &&
           std::find(kKinds.begin(), kKinds.end(), op.told.refusal) != kKinds.end();
}

std::string name_of(Deed deed) {
    constexpr std::array<const char*, 12> kDeeds{"create",  "resize",  "purchase", "query",
                                                 "events",  "order",   "abandon",  "hold",
                                                 "confirm", "release", "extend",   "cancel"};
    return kDeeds[static_cast<std::size_t>(deed)];
}

std::string name_of(const Op& op) {
    auto name = "client " + std::to_string(op.client) + " op " + std::to_string(op.number) + ", " +
                name_of(op.deed);
    if (op.order > 0) name += " of order " + std::to_string(op.order);
    if (!op.event.empty()) name += " of " + op.event;
    if (!op.key.empty()) name += " with key " + op.key;
    return name;
}

}  // namespace ticketd::testing
