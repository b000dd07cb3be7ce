#include "tests/fuzz/reply_claims.h"

#include "common/error_kind.h"
#include "server/store/audit.h"
#include "server/store/checkpoint.h"
#include "server/store/ledger_reader.h"
#include "tests/fuzz/finding.h"

namespace ticketd::fuzz {
namespace {

using store::Entry;
using store::EntryType;

bool has(const json& object, std::initializer_list<const char*> names) {
    return std::all_of(names.begin(), names.end(),
                       [&object](const char* name) { return object.contains(name); });
}

void check_counts(const json& counts, const Ledger& ledger) {
    const auto& entry = ledger.at(counts.at("lsn"));
    const auto text = counts.dump();
    const auto& after = entry.after;
    expect(counts.at("event") == ledger.event_of(entry), "counts are of their event", text);
    expect(counts.at("capacity") == after.capacity && counts.at("held") == after.held &&
               counts.at("sold") == after.sold && counts.at("available") == after.available(),
           "counts are the ledger's", text);
    expect(after.capacity + after.overcommit == after.available() + after.held + after.sold,
           "capacity and overcommit are available + held + sold", text);
}

std::string state_after(const Entry& entry) {
    if (is_sale(entry.type)) return "sold";
    if (entry.type == EntryType::kCancelled) return entry.tickets.empty() ? "cancelled" : "sold";
    if (entry.type == EntryType::kReleased || entry.voids_holds) return "released";
    return entry.type == EntryType::kExpired ? "expired" : "held";
}

// What the order has after the entry, which is or is about its newest.
std::uint64_t tickets_left(const Entry& first, const Entry& newest) {
    if (newest.type == EntryType::kCancelled) return newest.tickets.size();
    return is_sale(newest.type) ? newest.granted : first.granted;
}

// The order itself, what a request made of it, or an entry about it.
void check_order(const json& order, const net::Caller& caller, const Ledger& ledger) {
    const auto& first = ledger.at(order.at("order"));
    const auto& newest = ledger.at(order.at("lsn"));
    const auto text = order.dump();
    expect(begins_order(first.type) && order.at("event") == ledger.event_of(first) &&
               (order_number(newest) == first.lsn || newest.voids_holds),
           "an order is the ledger's", text);
    if (order.contains("state")) {
        expect(order.at("state") == state_after(newest), "its state is the ledger's", text);
    }
    if (order.contains("requested")) {
        expect(order.at("requested") == first.requested, "what was asked for is so", text);
    }
    if (order.contains("granted")) {
        expect(order.at("granted") == tickets_left(first, newest), "what was granted is so", text);
    }
    if (order.contains("serials")) {
        const auto& serials = order.at("serials");
        const auto& last = state_after(newest) == "held" ? first : newest;
        expect(serials == tickets_after(last), "serials are the ledger's", text);
    }
    if (order.contains("available")) {
        expect(order.at("available") == newest.after.available(), "what is left is so", text);
    }
    const bool is_entry = order.contains("type");
    if (order.contains("key")) {
        const auto& key = is_entry ? newest.key : first.key;
        expect(order.at("key") == key, "the key is the order's", text);
    }
    if (order.contains("memo")) {
        const auto& memo = is_entry ? newest.memo : first.memo;
        expect(order.at("memo") == memo, "the memo is kept", text);
    }
    if (order.contains("buyer") && order.at("buyer").is_string()) {
        expect(order.at("buyer") == first.buyer, "the buyer is the order's", text);
    }
    expect(caller.is_operator || first.uid == caller.uid, "orders of others are not shown", text);
}

void check_abandoned(const json& result, const net::Caller& caller, const Ledger& ledger) {
    const auto& entry = ledger.at(result.at("lsn"));
    expect(entry.type == EntryType::kKeyAbandoned && result.at("key") == entry.key &&
               entry.uid == caller.uid,
           "an abandoned key is so in the ledger", result.dump());
}

}  // namespace

const Entry& Ledger::at(const json& lsn) const {
    const bool is_there = lsn.is_number_unsigned() && lsn >= 1 && lsn <= entries.size();
    expect(is_there, "what was told is in the ledger", lsn.dump());
    return entries[lsn.get<std::size_t>() - 1];
}

std::string Ledger::event_of(const Entry& entry) const {
    return entry.type == EntryType::kKeyAbandoned ? "" : event_names.at(entry.event);
}

Ledger read_ledger(platform::Directory& directory) {
    const auto report = store::audit_store(directory);
    for (const auto& problem : report.problems)
        finding("the store does not pass its audit: " + problem);
    Ledger ledger;
    store::LedgerReader reader{directory, store::read_checkpoint(directory).store};
    reader.visit(1, report.lsn, [&ledger](const Entry& entry) {
        ledger.entries.push_back(entry);
        if (entry.type == EntryType::kEventCreated) ledger.event_names.push_back(entry.event_name);
        return true;
    });
    expect(ledger.entries.size() == report.lsn, "the ledger has all its entries");
    return ledger;
}

void check_result(const json& result, const net::Caller& caller, const Ledger& ledger) {
    if (!result.is_object()) finding("a result is an object: " + result.dump());
    for (const auto* rows : {"orders", "entries", "events"}) {
        const auto found = result.find(rows);
        if (found == result.end() || !found->is_array()) continue;
        for (const auto& row : *found)
            check_result(row, caller, ledger);
    }
    for (const auto& part : result.value("results", json::array())) {
        if (part.contains("error")) check_error(part.at("error"), ledger);
        if (part.contains("result")) check_result(part.at("result"), caller, ledger);
    }
    if (has(result, {"order"})) check_order(result, caller, ledger);
    if (has(result, {"event", "capacity", "sold"}) && result.at("event") != "") {
        check_counts(result, ledger);
    }
    if (result.value("state", "") == "abandoned") check_abandoned(result, caller, ledger);
    if (has(result, {"ok", "problems"})) {
        expect(result.at("ok") == true && result.at("problems").empty(), "the ledger verifies",
               result.dump());
    }
}

void check_error(const json& error, const Ledger& ledger) {
    const auto text = error.dump();
    const auto kind = find_error_kind(error.at("data").at("kind").get<std::string>());
    expect(kind.has_value(), "an error has a kind", text);
    const auto& info = error_kind_info(*kind);
    const auto& data = error.at("data");
    expect(error.at("code") == info.code && data.at("retry") == retry_name(info.retry) &&
               error.at("message").is_string(),
           "an error is of the contract", text);
    if (!has(data, {"requested", "available", "lsn"})) return;
    const auto& after = ledger.at(data.at("lsn")).after;
    expect(data.at("available") == after.available() && data.at("held") == after.held &&
               data.at("capacity") == after.capacity &&
               data.at("committed") == after.held + after.sold,
           "a refusal tells the counts it rests on", text);
    const auto& requested = data.at("requested");
    switch (*kind) {
        case ErrorKind::kNeverSatisfiable:
            expect(requested > after.capacity, "a refusal has its reason", text);
            break;
        case ErrorKind::kCapacityBelowCommitted:
            expect(requested < after.held + after.sold, "a refusal has its reason", text);
            break;
        // What there was is for somebody else, or has come too late.
        case ErrorKind::kReservedForLine:
        case ErrorKind::kWaitTimeout: break;
        default: expect(requested > after.available(), "a refusal has its reason", text);
    }
}

}  // namespace ticketd::fuzz
