// watch and unwatch.
#include "server/net/order_json.h"
#include "server/net/service.h"

namespace ticketd::net {

void Service::watch(const Params& params, const Caller& caller, const Responder& responder) {
    std::set<EventId> events;
    for (const auto& name : params.names(0)) {
        const auto event = store_.state().find_event(name);
        if (!event) return refuse_unknown_event(name, responder);
        events.insert(*event);
    }
    const auto last = store_.state().last_lsn();
    const auto since = params.integer(1, last);
    if (since > last) {
        return responder.error(last, ErrorKind::kInvalidParams, "since_lsn is still to come",
                               {{"lsn", last}});
    }
    // From an LSN that can be lost nobody could go on.
    durability_.when(since,
                     [this, caller, responder, events = std::move(events), since](bool is_durable) {
                         if (!is_durable) {
                             return responder.error(0, ErrorKind::kStorageFull, kNoSpace);
                         }
                         start_watch(events, since, caller, responder);
                     });
}

void Service::start_watch(const std::set<EventId>& events, Lsn since, const Caller& caller,
                          const Responder& responder) {
    // A connection that is closed already will not be closed again.
    const auto subscription =
        responder.is_connected()
            ? watchers_.add(caller.connection, responder.sink(), events, since + 1)
            : std::nullopt;
    if (!subscription) {
        return responder.error(0, ErrorKind::kBusy, "there are as many subscriptions as may be");
    }
    std::string body;
    JsonWriter json{body};
    json.begin_object().member("subscription", *subscription).member("since_lsn", since);
    json.end_object();
    responder.result(0, std::move(body));
}

void Service::unwatch(const Params& params, const Caller& caller, const Responder& responder) {
    const auto subscription = params.integer(0, 0);
    if (!watchers_.remove(caller.connection, subscription)) {
        return responder.error(0, ErrorKind::kNotFound, "no such subscription");
    }
    responder.result(0, R"({"subscription":)" + std::to_string(subscription) + R"(,"ended":true})");
}

std::string Service::changed_json(std::uint64_t subscription, const store::Entry& entry) const {
    std::string text;
    JsonWriter json{text};
    json.begin_object().member("jsonrpc", "2.0").member("method", "changed").name("params");
    json.begin_object().member("subscription", subscription);
    append_change(json, entry, event_of(entry));
    json.end_object().end_object();
    return text;
}

}  // namespace ticketd::net
