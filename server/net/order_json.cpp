#include "server/net/order_json.h"

namespace ticketd::net {
namespace {

// Only those that are not as they are in most events.
void append_terms(JsonWriter& json, const box_office::Terms& terms) {
    if (terms.order_limit > 0) json.member("order_limit", std::uint64_t{terms.order_limit});
    if (terms.line == box_office::LinePolicy::kFit) json.member("line", "fit");
    if (terms.closes_when_sold_out) json.member("auto_close", true);
    if (terms.buyer_limit > 0) json.member("buyer_limit", std::uint64_t{terms.buyer_limit});
    if (terms.takes_names) json.member("buyers", "claimed");
    if (terms.reuses_numbers) json.member("slots", true);
}

void append_numbers(JsonWriter& json, std::string_view name,
                    const box_office::TicketNumbers& numbers) {
    json.name(name).begin_array();
    for (const auto number : numbers)
        json.value(number);
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

// Whose it is: a name that was claimed, and then the user too.
void append_buyer(JsonWriter& json, UserId uid, const std::string& name) {
    if (name.empty()) {
        json.member("buyer", std::uint64_t{uid});
    } else {
        json.member("buyer", std::string_view{name}).member("uid", std::uint64_t{uid});
    }
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

std::string_view order_state(const store::Entry& entry) {
    switch (entry.type) {
        case store::EntryType::kHeld:
        case store::EntryType::kExtended: return "held";
        case store::EntryType::kReleased:
        case store::EntryType::kEventClosed: return "released";
        case store::EntryType::kExpired: return "expired";
        case store::EntryType::kCancelled: return entry.tickets.empty() ? "cancelled" : "sold";
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
        json.member("state", order_state(entry));
        if (begins_order(entry.type)) json.member("requested", entry.requested);
        if (entry.granted > 0) json.member("granted", entry.granted);
        if (entry.type == store::EntryType::kCancelled) {
            json.member("cancelled", std::uint64_t{entry.returned.size()});
            append_numbers(json, "returned", entry.returned);
        }
        const auto tickets = tickets_after(entry);
        if (concerns_sold(entry.type) || !tickets.empty()) append_numbers(json, "serials", tickets);
        json.member("available", entry.after.available());
        append_end(json, entry, left);
    }
    json.member("lsn", entry.lsn);
    if (replayed == Replayed::kYes) json.member("replayed", true);
    json.end_object();
    return body;
}

void append_order(JsonWriter& json, const store::KnownOrder& order, std::string_view event,
                  TimeLeft left) {
    const auto& first = order.first;
    const auto& newest = order.newest;
    const auto state = order_state(newest);
    // Numbers that are held since the beginning are held still.
    const auto tickets = tickets_after(state == "held" ? first : newest);
    const bool is_sold = concerns_sold(newest.type);
    json.begin_object().member("order", first.lsn).member("event", event);
    json.member("state", state).member("requested", first.requested);
    json.member("granted", is_sold ? std::uint64_t{tickets.size()} : first.granted);
    append_numbers(json, "serials", tickets);
    append_end(json, newest, left);
    append_binding(json, first.binding);
    append_buyer(json, first.uid, first.buyer);
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
    if (entry.after.overcommit > 0) json.member("deficit", entry.after.overcommit);
    if (sets_rules(entry.type)) {
        json.member("state", sale_state_name(entry.rules.state));
        json.member("opens_ms", entry.rules.window.opens_ms);
        json.member("closes_ms", entry.rules.window.closes_ms);
        append_terms(json, entry.rules.terms);
        if (entry.voids_holds) json.member("void_holds", true);
    }
    if (begins_order(entry.type) || changes_order(entry.type)) {
        json.member("order", order_number(entry));
        if (begins_order(entry.type)) json.member("requested", entry.requested);
        if (entry.granted > 0) json.member("granted", entry.granted);
        if (entry.first_serial > 0) json.member("first_serial", entry.first_serial);
        if (!entry.tickets.empty()) append_numbers(json, "serials", entry.tickets);
        if (entry.type == store::EntryType::kCancelled) {
            append_numbers(json, "returned", entry.returned);
            json.member("restock", entry.restocks);
            json.member("owner", std::uint64_t{entry.owner});
        }
        if (entry.expires_ms > 0) json.member("expires_ms", entry.expires_ms);
        append_binding(json, entry.binding);
        if (!entry.buyer.empty()) json.member("buyer", std::string_view{entry.buyer});
        append_words(json, entry);
    }
    json.end_object();
}

void append_change(JsonWriter& json, const store::Entry& entry, std::string_view event) {
    json.member("lsn", entry.lsn).member("type", entry_type_name(entry.type));
    json.member("time_ms", entry.time_ms).member("event", event);
    if (sets_rules(entry.type)) json.member("state", sale_state_name(entry.rules.state));
    json.member("capacity", entry.after.capacity).member("available", entry.after.available());
    json.member("held", entry.after.held).member("sold", entry.after.sold);
}

void append_counts(JsonWriter& json, const store::Event& event, std::int64_t now_ms,
                   const Caller& caller) {
    const auto& [name, stock, rules, slots] = event;
    const auto door = closed_door(rules, now_ms);
    json.member("event", std::string_view{name});
    json.member("state", door ? error_kind_info(*door).name : std::string_view{"open"});
    if (rules.window.opens_ms > 0) json.member("opens_ms", rules.window.opens_ms);
    if (rules.window.closes_ms > 0) json.member("closes_ms", rules.window.closes_ms);
    json.member("capacity", stock.capacity).member("available", stock.available());
    json.member("held", stock.held).member("sold", stock.sold).member("lsn", stock.lsn);
    if (stock.overcommit > 0 && caller.is_operator) json.member("deficit", stock.overcommit);
    append_terms(json, rules.terms);
}

}  // namespace ticketd::net
