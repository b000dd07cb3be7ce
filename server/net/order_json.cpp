#include "server/net/order_json.h"

namespace ticketd::net {
namespace {

void append_sale(JsonWriter& json, const store::Entry& sale, std::string_view event) {
    json.member("order", sale.lsn).member("event", event).member("state", "sold");
    json.member("requested", sale.requested).member("granted", sale.granted);
    json.name("serials").begin_array();
    for (std::uint64_t i = 0; i < sale.granted; ++i)
        json.value(sale.first_serial + i);
    json.end_array();
}

// What the operator set, in the words of what a buyer is told.
std::string_view sale_state_name(box_office::SaleState state) {
    const auto door = box_office::closed_door({state, {}}, 0);
    return door ? error_kind_info(*door).name : "open";
}

}  // namespace

std::string purchase_json(const store::Entry& sale, std::string_view event, Replayed replayed) {
    std::string body;
    body.reserve(192);
    JsonWriter json{body};
    json.begin_object();
    append_sale(json, sale, event);
    json.member("available", sale.after.available()).member("lsn", sale.lsn);
    if (replayed == Replayed::kYes) json.member("replayed", true);
    json.end_object();
    return body;
}

std::string abandoned_json(const store::Entry& entry, Replayed replayed) {
    std::string body;
    JsonWriter json{body};
    json.begin_object().member("key", std::string_view{entry.key}).member("state", "abandoned");
    json.member("lsn", entry.lsn);
    if (replayed == Replayed::kYes) json.member("replayed", true);
    json.end_object();
    return body;
}

void append_order(JsonWriter& json, const store::Entry& sale, std::string_view event) {
    json.begin_object();
    append_sale(json, sale, event);
    json.member("buyer", std::uint64_t{sale.uid});
    if (!sale.key.empty()) json.member("key", std::string_view{sale.key});
    if (!sale.memo.empty()) json.member("memo", std::string_view{sale.memo});
    json.member("time_ms", sale.time_ms).member("lsn", sale.lsn).end_object();
}

void append_entry(JsonWriter& json, const store::Entry& entry, std::string_view event) {
    json.begin_object().member("lsn", entry.lsn).member("type", entry_type_name(entry.type));
    json.member("time_ms", entry.time_ms).member("uid", std::uint64_t{entry.uid});
    if (entry.type == store::EntryType::kKeyAbandoned) {
        json.member("key", std::string_view{entry.key}).end_object();
        return;
    }
    json.member("event", event).member("capacity", entry.after.capacity);
    json.member("available", entry.after.available()).member("held", entry.after.held);
    json.member("sold", entry.after.sold);
    if (sets_schedule(entry.type)) {
        json.member("state", sale_state_name(entry.schedule.state));
        json.member("opens_ms", entry.schedule.window.opens_ms);
        json.member("closes_ms", entry.schedule.window.closes_ms);
    }
    if (entry.type == store::EntryType::kPurchased) {
        json.member("order", entry.lsn).member("requested", entry.requested);
        json.member("granted", entry.granted).member("first_serial", entry.first_serial);
        if (!entry.key.empty()) json.member("key", std::string_view{entry.key});
        if (!entry.memo.empty()) json.member("memo", std::string_view{entry.memo});
    }
    json.end_object();
}

void append_counts(JsonWriter& json, const store::Event& event, std::int64_t now_ms) {
    const auto& [name, stock, schedule] = event;
    const auto door = closed_door(schedule, now_ms);
    json.member("event", std::string_view{name});
    json.member("state", door ? error_kind_info(*door).name : std::string_view{"open"});
    if (schedule.window.opens_ms > 0) json.member("opens_ms", schedule.window.opens_ms);
    if (schedule.window.closes_ms > 0) json.member("closes_ms", schedule.window.closes_ms);
    json.member("capacity", stock.capacity).member("available", stock.available());
    json.member("held", stock.held).member("sold", stock.sold).member("lsn", stock.lsn);
}

}  // namespace ticketd::net
