// order, orders, ledger.read, ledger.verify: answers from the journal on disk. Rows are collected
// on a ledger thread, at most so many per request, and written as JSON on the event loop, which
// knows the events' names.
#include <algorithm>
#include <memory>

#include "server/net/order_json.h"
#include "server/net/service.h"
#include "server/store/audit.h"

namespace ticketd::net {
namespace {

// Entries that one `orders` request looks at before it returns what it has and where to go on.
constexpr std::uint64_t kScannedMax = 50'000;

struct Rows {
    std::vector<store::Entry> entries;
    Lsn seen = 0;  ///< the last LSN looked at
};

struct OrderFilter {
    std::optional<EventId> event;
    std::optional<UserId> buyer;

    bool admits(const store::Entry& entry) const {
        return entry.type == store::EntryType::kPurchased && (!event || entry.event == *event) &&
               (!buyer || entry.uid == *buyer);
    }
};

// About how long the row of an entry will be.
std::size_t row_bytes(const store::Entry& entry) {
    constexpr std::size_t kFixed = 256;
    constexpr std::size_t kSerial = 8;
    return kFixed + entry.key.size() + entry.memo.size() + entry.granted * kSerial;
}

template <typename Admits>
Rows read_rows(store::LedgerReader& reader, Lsn from, Lsn last, std::uint64_t limit,
               Admits admits) {
    Rows rows;
    rows.seen = from - 1;
    std::uint64_t scanned = 0;
    std::size_t bytes = 0;
    reader.visit(from, last, [&](const store::Entry& entry) {
        rows.seen = entry.lsn;
        if (admits(entry)) {
            rows.entries.push_back(entry);
            bytes += row_bytes(entry);
        }
        return rows.entries.size() < limit && bytes < limits::kRowsBytes && ++scanned < kScannedMax;
    });
    return rows;
}

// `{"NAME":[…],"next":…}`; next is null when `rows` reach to `last`.
template <typename Append>
std::string rows_json(std::string_view name, const Rows& rows, Lsn last, Lsn next, Append append) {
    std::string body;
    JsonWriter json{body};
    json.begin_object().name(name).begin_array();
    for (const auto& entry : rows.entries)
        append(json, entry);
    json.end_array().name("next");
    if (rows.seen >= last) {
        json.null();
    } else {
        json.value(next);
    }
    json.end_object();
    return body;
}

std::string audit_json(const store::AuditReport& report) {
    std::string body;
    JsonWriter json{body};
    json.begin_object().member("ok", report.ok()).member("lsn", report.lsn);
    json.member("events", report.events).member("orders", report.orders);
    json.member("keys", report.keys).member("capacity", report.capacity);
    json.member("available", report.available).member("held", report.held);
    json.member("sold", report.sold).name("problems").begin_array();
    for (const auto& problem : report.problems)
        json.value(std::string_view{problem});
    json.end_array().end_object();
    return body;
}

}  // namespace

void Service::order(const Params& params, const Caller& caller, const Responder& responder) {
    if (params.has(0) == params.has(1)) {
        return responder.error(0, ErrorKind::kInvalidParams, "give order or key, one of them");
    }
    const auto& state = store_.state();
    const auto last = state.last_lsn();
    auto lsn = params.integer(0, 0);
    if (params.has(1)) {
        lsn = state.keys().find(state.digest(caller.uid, params.text(1))).value_or(0);
    }
    const auto refuse_missing = [responder](Lsn rests_on) {
        responder.error(rests_on, ErrorKind::kNotFound, "no such order");
    };
    if (lsn == 0 || lsn > last) return refuse_missing(last);
    read_ledger(
        lookups_, lsn, responder, [lsn](store::LedgerReader& reader) { return reader.entry(lsn); },
        [this, caller, responder, refuse_missing,
         by_key = params.has(1)](const store::Entry& entry) {
            // Somebody else's order is answered like none at all.
            const bool visible = caller.is_operator || entry.uid == caller.uid;
            if (entry.type == store::EntryType::kKeyAbandoned && by_key) {
                return responder.error(0, ErrorKind::kKeyAbandoned, "the key was abandoned",
                                       {{"lsn", entry.lsn}});
            }
            if (entry.type != store::EntryType::kPurchased || !visible) return refuse_missing(0);
            std::string body;
            JsonWriter json{body};
            append_order(json, entry, event_of(entry));
            responder.result(0, std::move(body));
        });
}

void Service::orders(const Params& params, const Caller& caller, const Responder& responder) {
    OrderFilter filter;
    if (params.has(0)) {
        filter.event = store_.state().find_event(params.text(0));
        if (!filter.event) return refuse_unknown_event(params.text(0), responder);
    }
    if (params.has(1)) filter.buyer = static_cast<UserId>(params.integer(1, 0));
    if (!caller.is_operator) {
        if (filter.buyer && *filter.buyer != caller.uid) {
            return responder.error(0, ErrorKind::kDenied, "others' orders are for operators");
        }
        filter.buyer = caller.uid;
    }
    const auto last = store_.state().last_lsn();
    const auto from = params.integer(3, 0) + 1;
    const auto limit = params.integer(4, limits::kRowsDefault);
    read_ledger(
        scans_, last, responder,
        [=](store::LedgerReader& reader) {
            return read_rows(reader, from, last, limit,
                             [&](const store::Entry& entry) { return filter.admits(entry); });
        },
        [this, responder, last](const Rows& rows) {
            const auto append = [this](JsonWriter& json, const store::Entry& entry) {
                append_order(json, entry, event_of(entry));
            };
            responder.result(0, rows_json("orders", rows, last, rows.seen, append));
        });
}

void Service::ledger_read(const Params& params, const Caller&, const Responder& responder) {
    const auto last = store_.state().last_lsn();
    const auto from = std::max<Lsn>(params.integer(0, 1), 1);
    const auto limit = params.integer(1, limits::kRowsDefault);
    read_ledger(
        scans_, last, responder,
        [=](store::LedgerReader& reader) {
            return read_rows(reader, from, last, limit, [](const store::Entry&) { return true; });
        },
        [this, responder, last](const Rows& rows) {
            const auto append = [this](JsonWriter& json, const store::Entry& entry) {
                append_entry(json, entry, event_of(entry));
            };
            responder.result(0, rows_json("entries", rows, last, rows.seen + 1, append));
        });
}

void Service::ledger_verify(const Params&, const Caller&, const Responder& responder) {
    const auto last = store_.state().last_lsn();
    // The counts as they are now, at `last`, to be held against what the journal adds up to.
    auto live = std::make_shared<const std::vector<store::Event>>(store_.state().events());
    read_ledger(
        audits_, last, responder,
        [last, live, id = store_.id(),
         key_floor = store_.state().key_floor()](store::LedgerReader& reader) {
            store::Audit audit{id, key_floor};
            bool is_whole = true;
            reader.visit(1, last, [&](const store::Entry& entry) {
                is_whole = audit.add(entry);
                return is_whole;
            });
            if (is_whole) audit.compare(*live, "live counts");
            return std::move(audit).report();
        },
        [responder](const store::AuditReport& report) { responder.result(0, audit_json(report)); });
}

}  // namespace ticketd::net
