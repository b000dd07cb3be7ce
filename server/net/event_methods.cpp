// The methods on events: made, resized, opened and closed.
#include "server/net/order_json.h"
#include "server/net/refusal.h"
#include "server/net/service.h"

namespace ticketd::net {
namespace {

constexpr std::size_t kUpdateParams = 7;

// The parameters of an update are the last ones, in this order.
box_office::Update update_in(const Params& params, std::size_t first) {
    box_office::Update update{params.signed_integer(first), params.signed_integer(first + 1)};
    if (params.has(first + 2)) {
        update.order_limit = static_cast<std::uint16_t>(params.integer(first + 2, 0));
    }
    if (params.has(first + 3)) {
        update.line = params.text(first + 3) == "fit" ? box_office::LinePolicy::kFit
                                                      : box_office::LinePolicy::kStrict;
    }
    update.closes_when_sold_out = params.flag(first + 4);
    if (params.has(first + 5)) {
        update.buyer_limit = static_cast<std::uint32_t>(params.integer(first + 5, 0));
    }
    return update;
}

}  // namespace

void Service::events(const Params&, const Caller& caller, const Responder& responder) {
    std::string body;
    JsonWriter json{body};
    const auto now = store_.now_ms();
    json.begin_object().name("events").begin_array();
    for (const auto& event : store_.state().events()) {
        json.begin_object();
        append_counts(json, event, now, caller);
        json.end_object();
    }
    json.end_array().end_object();
    responder.result(store_.state().last_lsn(), std::move(body));
}

std::string Service::counts_json(EventId event, const Caller& caller) const {
    std::string body;
    body.reserve(128);
    JsonWriter json{body};
    json.begin_object();
    append_counts(json, store_.state().event(event), store_.now_ms(), caller);
    json.end_object();
    return body;
}

void Service::event_create(const Params& params, const Caller& caller, const Responder& responder) {
    constexpr std::size_t kBuyers = 8, kSlots = 9;
    box_office::Rules plain;
    plain.terms.takes_names = params.text(kBuyers) == "claimed";
    plain.terms.reuses_numbers = params.flag(kSlots).value_or(false);
    const auto decision = box_office::decide(plain, update_in(params, 2), 0);
    const auto* rules = std::get_if<box_office::Rules>(&decision);
    if (rules == nullptr) {
        return responder.error(0, ErrorKind::kInvalidParams, kNoLength);
    }
    if (params.integer(1, 0) > box_office::most_capacity(rules->terms)) {
        return responder.error(
            0, ErrorKind::kInvalidParams,
            "an event with slots has at most " + std::to_string(limits::kSlots) + " of them");
    }
    const auto next = static_cast<EventId>(store_.state().events().size());
    run_locked(next, responder,
               [this, caller, name = std::string{params.text(0)}, capacity = params.integer(1, 0),
                rules = *rules](const Responder& r) {
                   const auto result = store_.create_event(caller.uid, name, capacity, rules);
                   return try_event_change(result, name, caller, r);
               });
}

void Service::event_resize(const Params& params, const Caller& caller, const Responder& responder) {
    if (params.has(1) == params.has(2)) {
        return responder.error(0, ErrorKind::kInvalidParams, "give capacity or delta, one of them");
    }
    const auto event = find_event(params.text(0));
    if (!event) return refuse_unknown_event(params.text(0), responder);
    box_office::Resize resize{params.integer(1, 0), params.signed_integer(2), {}};
    if (params.has(3)) resize.if_lsn = params.integer(3, 0);
    resize.is_forced = params.flag(4).value_or(false);
    run_locked(*event, responder,
               [this, caller, id = *event, name = std::string{params.text(0)},
                resize](const Responder& r) {
                   return try_event_change(store_.resize_event(caller.uid, id, resize), name,
                                           caller, r);
               });
}

void Service::event_update(const Params& params, const Caller& caller, const Responder& responder) {
    bool changes_something = false;
    for (std::size_t i = 1; i < kUpdateParams; ++i)
        changes_something = changes_something || params.has(i);
    if (!changes_something) {
        return responder.error(0, ErrorKind::kInvalidParams, "give something to update");
    }
    change_rules(params.text(0), update_in(params, 1), caller, responder);
}

void Service::event_pause(const Params& params, const Caller& caller, const Responder& responder) {
    change_rules(params.text(0), box_office::Pause{}, caller, responder);
}

void Service::event_resume(const Params& params, const Caller& caller, const Responder& responder) {
    change_rules(params.text(0), box_office::Resume{}, caller, responder);
}

void Service::event_close(const Params& params, const Caller& caller, const Responder& responder) {
    change_rules(params.text(0), box_office::Close{params.flag(1).value_or(false)}, caller,
                 responder);
}

void Service::change_rules(std::string_view event, const box_office::RulesChange& change,
                           const Caller& caller, const Responder& responder) {
    const auto id = find_event(event);
    if (!id) return refuse_unknown_event(event, responder);
    run_locked(*id, responder,
               [this, caller, id = *id, name = std::string{event}, change](const Responder& r) {
                   return try_event_change(store_.change_rules(caller.uid, id, change), name,
                                           caller, r);
               });
}

bool Service::try_event_change(const store::ChangeResult& result, std::string_view event,
                               const Caller& caller, const Responder& responder) {
    if (std::holds_alternative<store::LockHeld>(result)) return false;
    if (const auto* refused = std::get_if<store::Refused>(&result)) {
        refuse(*refused, event, responder);
    } else {
        const auto id = *store_.state().find_event(event);
        responder.result(store_.state().event(id).stock.lsn, counts_json(id, caller));
    }
    return true;
}

}  // namespace ticketd::net
