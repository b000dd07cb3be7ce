// query, purchase and abandon.
#include "server/net/order_json.h"
#include "server/net/refusal.h"
#include "server/net/service.h"

namespace ticketd::net {

using std::chrono::milliseconds;

void Service::query(const Params& params, const Caller& caller, const Responder& responder) {
    const auto event = find_event(params.text(0));
    if (!event) return refuse_unknown_event(params.text(0), responder);
    run_locked(*event, responder, [this, id = *event, caller](const Responder& r) {
        return try_query(id, caller, r);
    });
}

bool Service::try_query(EventId event, const Caller& caller, const Responder& responder) {
    const auto result = store_.query(event);
    const auto* counts = std::get_if<store::Counts>(&result);
    if (counts == nullptr) return false;
    responder.result(counts->stock.lsn, counts_json(event, caller));
    return true;
}

void Service::purchase(const Params& params, const Caller& caller, const Responder& responder) {
    auto request = read_terms(params, kOfPurchase, caller, responder);
    if (!request) return;
    if (params.flag(kDryRun) == true) {
        return run_locked(request->event, responder, [this, asked = *request](const Responder& r) {
            return try_preview(asked, r);
        });
    }
    ask_for(*std::move(request), milliseconds{params.signed_integer(kOfPurchase.wait).value_or(0)},
            caller, responder);
}

bool Service::try_preview(const store::PurchaseRequest& request, const Responder& responder) {
    const auto preview = store_.preview(request);
    if (std::holds_alternative<store::LockHeld>(preview)) return false;
    const auto& [name, stock, rules, slots] = store_.state().event(request.event);
    if (const auto* refused = std::get_if<store::Refused>(&preview)) {
        refuse(*refused, name, responder);
        return true;
    }
    if (waiting_room_.is_behind(request.event, request.terms.min_quantity)) {
        refuse({reserve_for_line(stock, request.terms), stock.lsn}, name, responder);
        return true;
    }
    const auto& sale = std::get<box_office::Sale>(preview);
    std::string body;
    JsonWriter json{body};
    json.begin_object().member("event", std::string_view{name}).member("state", "possible");
    json.member("requested", request.terms.quantity).member("granted", sale.granted);
    json.member("available", stock.available()).member("lsn", stock.lsn).end_object();
    responder.result(stock.lsn, std::move(body));
    return true;
}

std::optional<store::PurchaseRequest> Service::read_terms(const Params& params,
                                                          const OrderParams& at,
                                                          const Caller& caller,
                                                          const Responder& responder) {
    const auto event = find_event(params.text(0));
    store::PurchaseRequest request;
    request.uid = caller.uid;
    request.event = event.value_or(kNoEvent);
    request.terms.quantity = params.integer(1, 1);
    request.terms.min_quantity = params.integer(at.min_quantity, request.terms.quantity);
    request.key = params.text(at.key);
    request.memo = params.text(at.memo);
    request.buyer = params.text(at.buyer);
    if (request.terms.min_quantity > request.terms.quantity) {
        responder.error(0, ErrorKind::kInvalidParams, "min_quantity is above quantity");
        return std::nullopt;
    }
    if (event && !request.buyer.empty() && !store_.state().event(*event).rules.terms.takes_names) {
        responder.error(0, ErrorKind::kInvalidParams,
                        "buyer: this event takes no names, its buyers are users");
        return std::nullopt;
    }
    if (event) return request;
    // Told so once, the key stays refused, like any other that was told no.
    if (!request.key.empty() && !store_.find_answer(request)) store_.remember_not_found(request);
    refuse_unknown_event(params.text(0), responder);
    return std::nullopt;
}

void Service::count(const store::ChangeResult& result) {
    if (const auto* changed = std::get_if<store::Changed>(&result)) {
        if (changed->entry.type == store::EntryType::kPurchased) ++counters_.purchases_sold;
    } else if (std::holds_alternative<store::Refused>(result)) {
        ++counters_.purchases_refused;
    }
}

std::string Service::answer_of(const store::Entry& entry, Replayed replayed) const {
    auto left = store_.left_of(order_number(entry));
    // What came later in the same batch may have ended it.
    if (!left && replayed == Replayed::kNo) left = milliseconds{entry.expires_ms - entry.time_ms};
    return answer_json(entry, event_of(entry), left, replayed);
}

void Service::replay(Lsn lsn, UserId uid, const std::string& key, const std::string& image,
                     const Responder& responder) {
    read_ledger(
        lookups_, lsn, responder, [lsn](store::LedgerReader& reader) { return reader.entry(lsn); },
        [this, uid, key, image, responder](const store::Entry& entry) {
            if (entry.type == store::EntryType::kKeyAbandoned) {
                return responder.error(0, ErrorKind::kKeyAbandoned, "the key was abandoned",
                                       {{"lsn", entry.lsn}});
            }
            if (!is_answer_to(entry, uid, key, image)) {
                return responder.error(0, ErrorKind::kKeyMismatch,
                                       "the key was used for another request");
            }
            responder.result(entry.lsn, answer_of(entry, Replayed::kYes));
        });
}

void Service::abandon(const Params& params, const Caller& caller, const Responder& responder) {
    const auto result = store_.abandon(caller.uid, std::string{params.text(0)});
    if (const auto* changed = std::get_if<store::Changed>(&result)) {
        waiting_room_.settle(caller.uid, changed->entry.key);
        return responder.result(changed->entry.lsn, answer_of(changed->entry, Replayed::kNo));
    }
    if (const auto* refused = std::get_if<store::Refused>(&result)) {
        return refuse(*refused, "", responder);
    }
    const auto lsn = std::get<store::Replay>(result).lsn;
    read_ledger(
        lookups_, lsn, responder, [lsn](store::LedgerReader& reader) { return reader.entry(lsn); },
        [this, responder](const store::Entry& entry) {
            responder.result(0, answer_of(entry, Replayed::kYes));
        });
}

std::string_view Service::event_of(const store::Entry& entry) const {
    if (!concerns_event(entry.type)) return {};
    return store_.state().event(entry.event).name;
}

}  // namespace ticketd::net
