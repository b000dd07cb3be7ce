// The methods on events: made, resized, opened and closed.
#include "server/net/order_json.h"
#include "server/net/refusal.h"
#include "server/net/service.h"

namespace ticketd::net {
namespace {

constexpr std::size_t kUpdateParams = 6;

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
    return update;
}

}  // namespace

void Service::events(const Params&, const Caller&, const Responder& responder) {
    std::string body;
    JsonWriter json{body};
    const auto now = store_.now_ms();
    json.begin_object().name("events").begin_array();
    for (const auto& event : store_.state().events()) {
        json.begin_object();
        append_counts(json, event, now);
        json.end_object();
    }
    json.end_array().end_object();
    responder.result(store_.state().last_lsn(), std::move(body));
}

std::string Service::counts_json(EventId event) const {
    std::string body;
    body.reserve(128);
    JsonWriter json{body};
    json.begin_object();
    append_counts(json, store_.state().event(event), store_.now_ms());
    json.end_object();
    return body;
}

void Service::event_create(const Params& params, const Caller& caller, const Responder& responder) {
    const auto decision = box_office::decide(box_office::Rules{}, update_in(params, 2));
    const auto* rules = std::get_if<box_office::Rules>(&decision);
    if (rules == nullptr) {
        return responder.error(0, ErrorKind::kInvalidParams, kNoLength);
    }
    const auto next = static_cast<EventId>(store_.state().events().size());
    run_locked(next, responder,
               [this, uid = caller.uid, name = std::string{params.text(0)},
                capacity = params.integer(1, 0), rules = *rules](const Responder& r) {
                   const auto result = store_.create_event(uid, name, capacity, rules);
                   return try_event_change(result, name, r);
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
    run_locked(*event, responder,
               [this, uid = caller.uid, id = *event, name = std::string{params.text(0)},
                resize](const Responder& r) {
                   return try_event_change(store_.resize_event(uid, id, resize), name, r);
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
    change_rules(params.text(0), box_office::Close{}, caller, responder);
}

void Service::change_rules(std::string_view event, const box_office::RulesChange& change,
                           const Caller& caller, const Responder& responder) {
    const auto id = find_event(event);
    if (!id) return refuse_unknown_event(event, responder);
    run_locked(
        *id, responder,
        [this, uid = caller.uid, id = *id, name = std::string{event}, change](const Responder& r) {
            return try_event_change(store_.change_rules(uid, id, change), name, r);
        });
}

bool Service::try_event_change(const store::ChangeResult& result, std::string_view event,
                               const Responder& responder) {
    if (std::holds_alternative<store::LockHeld>(result)) return false;
    if (const auto* refused = std::get_if<store::Refused>(&result)) {
        refuse(*refused, event, responder);
    } else {
        const auto id = *store_.state().find_event(event);
        responder.result(store_.state().event(id).stock.lsn, counts_json(id));
    }
    return true;
}

}  // namespace ticketd::net
