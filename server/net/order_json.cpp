#include "server/net/order_json.h"

namespace ticketd::net {
namespace {

// Only those that are not as they are in most events.
void append_terms(JsonWriter& json, const box_office::Terms& terms) {
    if (terms.order_limit > 0) json.member("order_limit", std::uint64_t{terms.order_limit});
    if (terms.line == box_office::LinePolicy::kFit) json.member("line", "fit");
    if (terms.closes_when_sold_out) json.member("auto_close", true);
}

bool is_sale(store::EntryType type) {
    return type == store::EntryType::kPurchased || type == store::EntryType::kConfirmed;
}

void append_serials(JsonWriter& json, const store::Entry& entry) {
    json.name("serials").begin_array();
    for (std::uint64_t i = 0; is_sale(entry.type) && i < entry.granted; ++i)
        json.value(entry.first_serial + i);
    json.end_array();
}

// Of an entry that leaves a hold alive.
void append_end(JsonWriter& json, const store::Entry& entry, TimeLeft left) {
    if (entry.expires_ms == 0) return;
    json.member("expires_in_ms", left.value_or(std::chrono::milliseconds{0}).count());
}

std::string_view bind_name(box_office::Bind bind) {
    return bind == box_office::Bind::kProcess ? "pid" : "connection";
}

void append_binding(JsonWriter& json, const box_office::Binding& binding) {
    if (binding.bind == box_office::Bind::kNothing) return;
    json.member("bind", bind_name(binding.bind));
    if (binding.pid != 0) json.member("pid", std::uint64_t{binding.pid});
}

void append_words(JsonWriter& json, const store::Entry& entry) {
    if (!entry.key.empty()) json.member("key", std::string_view{entry.key});
    if (!entry.memo.empty()) json.member("memo", std::string_view{entry.memo});
}

// What the operator set, in the words of what a buyer is told.
std::string_view sale_state_name(box_office::SaleState state) {
    const auto door = box_office::closed_door({state, {}, {}}, 0);
    return door ? error_kind_info(*door).name : "open";
}

}  // namespace

std::string_view order_state(store::EntryType type) {
    switch (type) {
        case store::EntryType::kHeld:
        case store::EntryType::kExtended: return "held";
        case store::EntryType::kReleased: return "released";
        case store::EntryType::kExpired: return "expired";
        default: return "sold";
    }
}

std::string answer_json(const store::Entry& entry, std::string_view event, TimeLeft left,
                        Replayed replayed) {
    std::string body;
    body.reserve(192);
    JsonWriter json{body};
    json.begin_object();
    if (!concerns_event(entry.type)) {
        json.member("key", std::string_view{entry.key}).member("state", "abandoned");
    } else {
        json.member("order", order_number(entry)).member("event", event);
        json.member("state", order_state(entry.type));
        if (begins_order(entry.type)) json.member("requested", entry.requested);
        if (entry.granted > 0) json.member("granted", entry.granted);
        if (is_sale(entry.type)) append_serials(json, entry);
        json.member("available", entry.after.available());
        append_end(json, entry, left);
    }
    json.member("lsn", entry.lsn);
    if (replayed == Replayed::kYes) json.member("replayed", true);
    json.end_object();
    return body;
}

void append_order(JsonWriter& json, const OrderView& order, std::string_view event, TimeLeft left) {
    const auto& [first, newest] = order;
    json.begin_object().member("order", first.lsn).member("event", event);
    json.member("state", order_state(newest.type)).member("requested", first.requested);
    json.member("granted", is_sale(newest.type) ? newest.granted : first.granted);
    append_serials(json, newest);
    append_end(json, newest, left);
    append_binding(json, first.binding);
    json.member("buyer", std::uint64_t{first.uid});
    append_words(json, first);
    json.member("time_ms", first.time_ms);
    if (newest.lsn != first.lsn) json.member("changed_ms", newest.time_ms);
    json.member("lsn", newest.lsn).end_object();
}

void append_entry(JsonWriter& json, const store::Entry& entry, std::string_view event) {
    json.begin_object().member("lsn", entry.lsn).member("type", entry_type_name(entry.type));
    json.member("time_ms", entry.time_ms).member("uid", std::uint64_t{entry.uid});
    if (!concerns_event(entry.type)) {
        json.member("key", std::string_view{entry.key}).end_object();
        return;
    }
    json.member("event", event).member("capacity", entry.after.capacity);
    json.member("available", entry.after.available()).member("held", entry.after.held);
    json.member("sold", entry.after.sold);
    if (sets_rules(entry.type)) {
        json.member("state", sale_state_name(entry.rules.state));
        json.member("opens_ms", entry.rules.window.opens_ms);
        json.member("closes_ms", entry.rules.window.closes_ms);
        append_terms(json, entry.rules.terms);
    }
    if (begins_order(entry.type) || changes_order(entry.type)) {
        json.member("order", order_number(entry));
        if (begins_order(entry.type)) json.member("requested", entry.requested);
        if (entry.granted > 0) json.member("granted", entry.granted);
        if (is_sale(entry.type)) json.member("first_serial", entry.first_serial);
        if (entry.expires_ms > 0) json.member("expires_ms", entry.expires_ms);
        append_binding(json, entry.binding);
        append_words(json, entry);
    }
    json.end_object();
}

void append_counts(JsonWriter& json, const store::Event& event, std::int64_t now_ms) {
    const auto& [name, stock, rules] = event;
    const auto door = closed_door(rules, now_ms);
    json.member("event", std::string_view{name});
    json.member("state", door ? error_kind_info(*door).name : std::string_view{"open"});
    if (rules.window.opens_ms > 0) json.member("opens_ms", rules.window.opens_ms);
    if (rules.window.closes_ms > 0) json.member("closes_ms", rules.window.closes_ms);
    json.member("capacity", stock.capacity).member("available", stock.available());
    json.member("held", stock.held).member("sold", stock.sold).member("lsn", stock.lsn);
    append_terms(json, rules.terms);
}

}  // namespace ticketd::net
