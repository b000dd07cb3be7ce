// query, purchase and abandon.
#include "server/net/order_json.h"
#include "server/net/service.h"

namespace ticketd::net {
namespace {

constexpr EventId kNoEvent = UINT32_MAX;

std::string refusal_message(const box_office::Refusal& refusal, std::string_view event) {
    const auto name = std::string{event};
    const auto available = std::to_string(refusal.available);
    switch (refusal.kind) {
        case ErrorKind::kSoldOut: return name + " is sold out";
        case ErrorKind::kHeldOut: return "all that is left of " + name + " is held";
        case ErrorKind::kInsufficient: return "only " + available + " of " + name + " available";
        case ErrorKind::kNeverSatisfiable:
            return name + " has a capacity of " + std::to_string(refusal.capacity);
        case ErrorKind::kCapacityBelowCommitted:
            return std::to_string(refusal.committed) + " of " + name + " are held or sold";
        case ErrorKind::kNotOpen:
            return name + " opens in " + std::to_string((refusal.wait_ms + 999) / 1000) + " s";
        case ErrorKind::kPaused: return "sales of " + name + " are paused";
        case ErrorKind::kClosed: return "sales of " + name + " are closed";
        case ErrorKind::kWrongState: return name + " is closed";
        case ErrorKind::kInvalidParams: return std::string{kNoLength};
        case ErrorKind::kNotFound: return "the key was told that there is no such event";
        case ErrorKind::kExists: return "event " + name + " exists";
        case ErrorKind::kStaleLsn: return name + " has changed since";
        case ErrorKind::kLimitReached:
            if (refusal.capacity > 0) {
                return name + " can have at most " + std::to_string(limits::kCapacity) + " tickets";
            }
            return "there are " + std::to_string(limits::kEvents) +
                   " events, the most there can be";
        case ErrorKind::kKeyMismatch: return "the key was used for another request";
        case ErrorKind::kKeyTooOld: return "the key is older than keys are kept";
        case ErrorKind::kBusy:
            return "the disk is too far behind, or as many keys are kept as may be";
        case ErrorKind::kStorageFull: return "no space left on the daemon's disk";
        default: return "refused";
    }
}

bool has_counts(ErrorKind kind) {
    const auto code = error_kind_info(kind).code;
    return code == 1001 || code == 1002 || kind == ErrorKind::kCapacityBelowCommitted;
}

}  // namespace

void Service::query(const Params& params, const Caller&, const Responder& responder) {
    const auto event = find_event(params.text(0));
    if (!event) return refuse_unknown_event(params.text(0), responder);
    run_locked(*event, responder,
               [this, id = *event](const Responder& r) { return try_query(id, r); });
}

bool Service::try_query(EventId event, const Responder& responder) {
    const auto result = store_.query(event);
    const auto* counts = std::get_if<store::Counts>(&result);
    if (counts == nullptr) return false;
    responder.result(counts->stock.lsn, counts_json(event));
    return true;
}

void Service::purchase(const Params& params, const Caller& caller, const Responder& responder) {
    const auto event = find_event(params.text(0));
    store::PurchaseRequest request;
    request.uid = caller.uid;
    request.event = event.value_or(kNoEvent);
    request.terms.quantity = params.integer(1, 1);
    request.terms.min_quantity = params.integer(2, request.terms.quantity);
    request.key = params.text(3);
    request.memo = params.text(6);
    if (request.terms.min_quantity > request.terms.quantity) {
        return responder.error(0, ErrorKind::kInvalidParams, "min_quantity is above quantity");
    }
    if (!event) {
        // Told so once, the key stays refused, like any other that was told no.
        if (!request.key.empty() && !store_.find_answer(request)) {
            store_.remember_not_found(request);
        }
        return refuse_unknown_event(params.text(0), responder);
    }
    run_locked(*event, responder, [this, request = std::move(request)](const Responder& r) {
        return try_purchase(request, r);
    });
}

bool Service::try_purchase(const store::PurchaseRequest& request, const Responder& responder) {
    const auto result = store_.purchase(request);
    if (std::holds_alternative<store::LockHeld>(result)) return false;
    const auto& event = store_.state().event(request.event).name;
    if (const auto* changed = std::get_if<store::Changed>(&result)) {
        ++counters_.purchases_sold;
        responder.result(changed->entry.lsn, purchase_json(changed->entry, event, Replayed::kNo));
    } else if (const auto* refused = std::get_if<store::Refused>(&result)) {
        ++counters_.purchases_refused;
        refuse(*refused, event, responder);
    } else {
        replay(std::get<store::Replay>(result).lsn, request, responder);
    }
    return true;
}

void Service::replay(Lsn lsn, const store::PurchaseRequest& request, const Responder& responder) {
    read_ledger(
        lookups_, lsn, responder, [lsn](store::LedgerReader& reader) { return reader.entry(lsn); },
        [this, request, responder](const store::Entry& sale) {
            if (sale.type == store::EntryType::kKeyAbandoned) {
                return responder.error(0, ErrorKind::kKeyAbandoned, "the key was abandoned",
                                       {{"lsn", sale.lsn}});
            }
            if (!is_same_request(sale, request)) {
                return responder.error(0, ErrorKind::kKeyMismatch,
                                       "the key was used for another request");
            }
            responder.result(0, purchase_json(sale, event_of(sale), Replayed::kYes));
        });
}

void Service::abandon(const Params& params, const Caller& caller, const Responder& responder) {
    const auto result = store_.abandon(caller.uid, std::string{params.text(0)});
    if (const auto* changed = std::get_if<store::Changed>(&result)) {
        return responder.result(changed->entry.lsn, abandoned_json(changed->entry, Replayed::kNo));
    }
    if (const auto* refused = std::get_if<store::Refused>(&result)) {
        return refuse(*refused, "", responder);
    }
    const auto lsn = std::get<store::Replay>(result).lsn;
    read_ledger(
        lookups_, lsn, responder, [lsn](store::LedgerReader& reader) { return reader.entry(lsn); },
        [this, responder](const store::Entry& entry) {
            responder.result(0, entry.type == store::EntryType::kKeyAbandoned
                                    ? abandoned_json(entry, Replayed::kYes)
                                    : purchase_json(entry, event_of(entry), Replayed::kYes));
        });
}

std::string_view Service::event_of(const store::Entry& entry) const {
    if (entry.type == store::EntryType::kKeyAbandoned) return {};
    return store_.state().event(entry.event).name;
}

void Service::refuse(const store::Refused& refused, std::string_view event,
                     const Responder& responder) const {
    const auto& refusal = refused.refusal;
    const auto message = refusal_message(refusal, event);
    if (refusal.kind == ErrorKind::kNotOpen) {
        return responder.error(refused.lsn, refusal.kind, message,
                               {{"opens_ms", static_cast<std::uint64_t>(refusal.opens_ms)},
                                {"retry_after_ms", static_cast<std::uint64_t>(refusal.wait_ms)},
                                {"lsn", refused.lsn}});
    }
    if (!has_counts(refusal.kind)) {
        return responder.error(refused.lsn, refusal.kind, message, {{"lsn", refused.lsn}});
    }
    responder.error(refused.lsn, refusal.kind, message,
                    {{"requested", refusal.requested},
                     {"available", refusal.available},
                     {"held", refusal.held},
                     {"capacity", refusal.capacity},
                     {"committed", refusal.committed},
                     {"lsn", refused.lsn}});
}

}  // namespace ticketd::net
