// hold, confirm, release and extend.
#include "server/net/order_json.h"
#include "server/net/refusal.h"
#include "server/net/service.h"

namespace ticketd::net {
namespace {

constexpr std::string_view kTooManyProcesses = "holds are bound to as many processes as may be";

// Why an order cannot be cancelled, or a hold not changed.
std::string why_not(const store::KnownOrder& order, bool is_cancel) {
    const auto state = order_state(order.newest);
    const auto number = std::to_string(order.first.lsn);
    if (is_cancel && state == "sold") return "order " + number + " has not got all these tickets";
    if (!is_cancel && state == "held") return "another of the batch ends hold " + number;
    if (state == "expired") return "hold " + number + " has expired";
    return "order " + number + " is " + std::string{state};
}

}  // namespace

std::optional<store::HoldRequest> Service::read_hold(const Params& params, const Caller& caller,
                                                     const Responder& responder) {
    constexpr std::size_t kTtl = 2, kBind = 7;
    auto terms = read_terms(params, kOfHold, caller, responder);
    if (!terms) return std::nullopt;
    // What was answered once is answered so again, whatever became of the process; and so is what
    // waits to be.
    const bool is_known = !terms->key.empty() &&
                          (store_.find_answer(*terms) || waiting_room_.has(caller.uid, terms->key));
    const auto bound = is_known ? hold_watch_.named_by(params.text(kBind), caller)
                                : hold_watch_.binding(params.text(kBind), caller);
    if (const auto* problem = std::get_if<HoldWatch::Problem>(&bound)) {
        if (*problem == HoldWatch::Problem::kTooMany) {
            responder.error(0, ErrorKind::kBusy, kTooManyProcesses);
        } else {
            responder.error(0, ErrorKind::kInvalidParams, "bind names no process of yours");
        }
        return std::nullopt;
    }
    store::HoldRequest request{*std::move(terms), 0, std::get<box_office::Binding>(bound)};
    // What it is bound to ends it, unless a time was given too.
    const bool is_bound = request.binding.bind != box_office::Bind::kNothing;
    request.ttl_ms = params.signed_integer(kTtl).value_or(is_bound ? 0 : limits::kHoldMs);
    return request;
}

void Service::hold(const Params& params, const Caller& caller, const Responder& responder) {
    auto request = read_hold(params, caller, responder);
    if (!request) return;
    const std::chrono::milliseconds wait{params.signed_integer(kOfHold.wait).value_or(0)};
    ask_for(*std::move(request), wait, caller, responder);
}

// A connection may have been closed while its request waited for the ledger.
void Service::bind(const store::Changed& held, const box_office::Binding& binding,
                   const Caller& caller, const Responder& responder) {
    hold_watch_.bind(held.entry.lsn, binding, caller);
    const bool has_connection = binding.bind == box_office::Bind::kConnection;
    if (has_connection && !responder.is_connected()) {
        hold_watch_.connection_closed(caller.connection);
    }
}

store::HoldChangeRequest Service::read_change_of_hold(std::string_view method, const Params& params,
                                                      const Caller& caller) {
    store::HoldChange change = store::Release{};
    if (method == "confirm") change = box_office::Confirm{params.integer(1, 0)};
    if (method == "extend") {
        change = store::Extend{params.signed_integer(1).value_or(limits::kHoldMs)};
    }
    const std::size_t key_at = method == "release" ? 1 : 2;
    return {caller.uid, caller.is_operator, params.integer(0, 0), change,
            std::string{params.text(key_at)}};
}

void Service::confirm(const Params& params, const Caller& caller, const Responder& responder) {
    change_hold("confirm", params, caller, responder);
}

void Service::release(const Params& params, const Caller& caller, const Responder& responder) {
    change_hold("release", params, caller, responder);
}

void Service::extend(const Params& params, const Caller& caller, const Responder& responder) {
    change_hold("extend", params, caller, responder);
}

void Service::change_hold(std::string_view method, const Params& params, const Caller& caller,
                          const Responder& responder) {
    auto request = read_change_of_hold(method, params, caller);
    const auto attempt = [this, caller, request = std::move(request)](const Responder& r) {
        return answer(store_.change_hold(request), "", caller, request, r);
    };
    // Without a hold there is no lock to wait for.
    const auto* hold = store_.state().find_hold(params.integer(0, 0));
    if (hold != nullptr) return run_locked(hold->event, responder, attempt);
    static_cast<void>(attempt(responder));
}

void Service::refuse_not_held(const store::NotHeld& what, bool is_cancel, const Caller& caller,
                              const Responder& responder) {
    view_order(what.order, what.as_of, caller, responder,
               [responder, is_cancel](const store::KnownOrder& view) {
                   const bool has_expired = view.newest.type == store::EntryType::kExpired;
                   responder.error(0,
                                   has_expired ? ErrorKind::kHoldExpired : ErrorKind::kWrongState,
                                   why_not(view, is_cancel),
                                   {{"order", view.first.lsn}, {"lsn", view.newest.lsn}});
               });
}

}  // namespace ticketd::net
