// ping, server.info, server.stats, rpc.discover.
#include "server/net/service.h"

namespace ticketd::net {

void Service::ping(const Params&, const Caller&, const Responder& responder) {
    responder.result(0, R"({"ok":true})");
}

void Service::server_info(const Params&, const Caller&, const Responder& responder) {
    std::string body;
    JsonWriter json{body};
    json.begin_object().member("name", "ticketd").member("version", TICKETD_VERSION);
    json.member("lsn", store_.state().last_lsn()).member("durable_lsn", store_.durable_lsn());
    json.member("events", std::uint64_t{store_.state().events().size()});
    json.name("limits").begin_object();
    json.member("message_bytes", std::uint64_t{settings_.message_bytes});
    json.member("depth", std::uint64_t{limits::kDepth});
    json.member("batch_requests", std::uint64_t{settings_.batch_requests});
    json.member("in_flight_per_connection", std::uint64_t{settings_.in_flight});
    json.member("connections", std::uint64_t{settings_.connections});
    json.member("connections_per_uid", std::uint64_t{settings_.connections_per_uid});
    json.member("first_byte_ms", std::int64_t{settings_.first_byte_timeout.count()});
    json.member("message_ms", std::int64_t{settings_.message_timeout.count()});
    json.member("idle_ms", std::int64_t{settings_.idle_timeout.count()});
    json.member("output_bytes", std::uint64_t{settings_.output_bytes});
    json.member("quantity", limits::kQuantity).member("capacity", limits::kCapacity);
    json.member("key_bytes", std::uint64_t{limits::kKeyBytes});
    json.member("memo_bytes", std::uint64_t{limits::kMemoBytes});
    json.member("lock_timeout_ms", std::int64_t{settings_.lock_timeout.count()});
    json.member("key_retention_ms", std::int64_t{store_.settings().key_retention.count()});
    json.member("keys", store_.settings().keys);
    json.member("holds", std::uint64_t{limits::kHolds}).member("hold_ms", limits::kHoldMsMax);
    json.member("waiting", std::uint64_t{limits::kWaiting}).member("wait_ms", limits::kWaitMsMax);
    json.end_object().end_object();
    responder.result(store_.state().last_lsn(), std::move(body));
}

void Service::server_stats(const Params&, const Caller&, const Responder& responder) {
    const auto uptime = std::chrono::steady_clock::now() - started_;
    const auto& journal = store_.journal_statistics();
    const std::uint64_t groups = journal.groups;
    std::string body;
    JsonWriter json{body};
    json.begin_object().member(
        "uptime_ms",
        std::int64_t{std::chrono::duration_cast<std::chrono::milliseconds>(uptime).count()});
    json.member("connections", std::uint64_t{counters_.connections});
    json.member("connections_total", counters_.connections_total);
    json.member("connections_refused", counters_.connections_refused);
    json.member("held_bytes", std::uint64_t{counters_.held_bytes});
    json.member("requests", counters_.requests).member("purchases_sold", counters_.purchases_sold);
    json.member("purchases_refused", counters_.purchases_refused);
    json.member("keys", std::uint64_t{store_.state().keys().size()});
    json.member("groups", groups).member("entries", journal.entries.load());
    json.member("sync_us_mean", groups == 0 ? 0 : journal.sync_us_total / groups);
    json.member("sync_us_max", journal.sync_us_max.load());
    json.member("checkpoints", store_.checkpoints());
    json.member("holds", std::uint64_t{store_.state().holds().size()});
    json.member("waiting", std::uint64_t{waiting_room_.waiting()});
    json.member("watching", std::uint64_t{watchers_.size()});
    json.member("lock_waiting", std::uint64_t{locks_.waiting()});
    json.member("lock_waits_total", locks_.parked_total());
    json.member("slots_restored", store_.restored_slots());
    json.member("lsn", store_.state().last_lsn()).member("durable_lsn", store_.durable_lsn());
    json.end_object();
    responder.result(store_.state().last_lsn(), std::move(body));
}

void Service::rpc_discover(const Params&, const Caller&, const Responder& responder) {
    std::string body;
    JsonWriter json{body};
    json.begin_object().member("openrpc", "1.2.6").name("info").begin_object();
    json.member("title", "ticketd").member("version", TICKETD_VERSION).end_object();
    json.name("methods").begin_array();
    for (const auto& method : methods()) {
        json.begin_object().member("name", method.name).member("summary", method.summary);
        json.member("paramStructure", "either").name("params").begin_array();
        for (const auto& param : method.params) {
            const auto type = param_type_info(param.type);
            json.begin_object().member("name", param.name).member("required", param.required);
            json.name("schema").begin_object().member("type", type.json_type);
            if (type.json_type == "integer") {
                const auto max = static_cast<std::int64_t>(type.max);
                json.member("minimum", type.is_signed ? -max : static_cast<std::int64_t>(type.min));
                json.member("maximum", max);
            }
            json.end_object().end_object();
        }
        json.end_array().name("result").begin_object().member("name", "result");
        json.name("schema").begin_object().member("type", "object").end_object();
        json.end_object().end_object();
    }
    json.end_array().end_object();
    responder.result(0, std::move(body));
}

}  // namespace ticketd::net
