// The methods on events: made, resized, opened and closed.
#include "server/net/order_json.h"
#include "server/net/refusal.h"
#include "server/net/service.h"

namespace ticketd::net {
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
    const auto decision =
        decide(box_office::Schedule{},
               box_office::SetWindow{params.signed_integer(2), params.signed_integer(3)});
    const auto* schedule = std::get_if<box_office::Schedule>(&decision);
    if (schedule == nullptr) {
        return responder.error(0, ErrorKind::kInvalidParams, kNoLength);
    }
    const auto next = static_cast<EventId>(store_.state().events().size());
    run_locked(next, responder,
               [this, uid = caller.uid, name = std::string{params.text(0)},
                capacity = params.integer(1, 0), window = schedule->window](const Responder& r) {
                   const auto result = store_.create_event(uid, name, capacity, window);
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
    const box_office::SetWindow change{params.signed_integer(1), params.signed_integer(2)};
    if (!change.opens_ms && !change.closes_ms) {
        return responder.error(0, ErrorKind::kInvalidParams, "give opens_ms or closes_ms");
    }
    reschedule(params.text(0), change, caller, responder);
}

void Service::event_pause(const Params& params, const Caller& caller, const Responder& responder) {
    reschedule(params.text(0), box_office::Pause{}, caller, responder);
}

void Service::event_resume(const Params& params, const Caller& caller, const Responder& responder) {
    reschedule(params.text(0), box_office::Resume{}, caller, responder);
}

void Service::event_close(const Params& params, const Caller& caller, const Responder& responder) {
    reschedule(params.text(0), box_office::Close{}, caller, responder);
}

void Service::reschedule(std::string_view event, const box_office::ScheduleChange& change,
                         const Caller& caller, const Responder& responder) {
    const auto id = find_event(event);
    if (!id) return refuse_unknown_event(event, responder);
    run_locked(
        *id, responder,
        [this, uid = caller.uid, id = *id, name = std::string{event}, change](const Responder& r) {
            return try_event_change(store_.reschedule_event(uid, id, change), name, r);
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
