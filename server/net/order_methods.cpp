// order and orders: what became of them, from the journal on disk. The entry that began an order is
// found by its number; where the newest one is, the store knows or its order runs do.
#include <algorithm>
#include <map>

#include "server/net/order_json.h"
#include "server/net/rows.h"
#include "server/net/service.h"

namespace ticketd::net {
namespace {

// Their newest entries, those that are not known found in one walk along the runs.
std::vector<store::KnownOrder> read_orders(store::LedgerReader& reader,
                                           const std::vector<store::Entry>& firsts,
                                           const std::vector<store::OrderLookup>& lookups) {
    std::map<Lsn, Lsn> in_runs;
    const auto unknown = std::find_if(lookups.begin(), lookups.end(), [](const auto& lookup) {
        return lookup.newest == 0;  // the runs know, if anything happened to it
    });
    if (unknown != lookups.end()) {
        in_runs = find_newest(unknown->runs, firsts.front().lsn, firsts.back().lsn);
    }
    std::vector<store::KnownOrder> orders;
    for (std::size_t i = 0; i < firsts.size(); ++i) {
        const auto& first = firsts[i];
        const auto found = in_runs.find(first.lsn);
        auto newest = lookups[i].newest;
        if (newest == 0) newest = found == in_runs.end() ? first.lsn : found->second;
        orders.push_back({first, newest == first.lsn ? first : reader.entry(newest), lookups[i]});
    }
    return orders;
}

}  // namespace

struct Service::OrderFilter {
    std::optional<EventId> event;
    std::optional<UserId> uid;
    std::optional<std::string> buyer;  // as claimed

    bool admits(const store::Entry& entry) const {
        return begins_order(entry.type) && (!event || entry.event == *event) &&
               (!uid || entry.uid == *uid) && (!buyer || entry.buyer == *buyer);
    }
};

// What was found so far, and where to go on.
struct Service::OrderPage {
    OrderFilter filter;
    std::string state;  // empty: any
    Lsn from = 0, last = 0;
    std::uint64_t limit = 0;
    std::vector<store::KnownOrder> orders = {};
    Lsn next = 0;
    std::uint64_t looked_at = 0;
    std::size_t bytes = 0;

    // Of what was looked at up to `seen`. True when the page is complete.
    bool take(std::vector<store::KnownOrder> found, Lsn seen) {
        for (auto& order : found) {
            if (!state.empty() && order_state(order.newest) != state) continue;
            bytes += row_bytes(order.first);
            next = order.first.lsn;
            orders.push_back(std::move(order));
            if (next != last && (orders.size() >= limit || bytes >= limits::kRowsBytes))
                return true;
        }
        looked_at += seen + 1 - from;
        from = seen + 1;
        next = seen < last ? seen : 0;
        return next == 0 || looked_at >= kScannedMax;
    }
};

void Service::order(const Params& params, const Caller& caller, const Responder& responder) {
    if (params.has(0) == params.has(1)) {
        return responder.error(0, ErrorKind::kInvalidParams, "give order or key, one of them");
    }
    const auto& state = store_.state();
    const auto last = state.last_lsn();
    if (params.has(0)) return show_order(params.integer(0, 0), caller, responder);
    const auto lsn = state.keys().find(state.digest(caller.uid, params.text(1)));
    if (!lsn) return responder.error(last, ErrorKind::kNotFound, "no such order");
    read_ledger(
        lookups_, *lsn, responder,
        [lsn = *lsn](store::LedgerReader& reader) { return reader.entry(lsn); },
        [this, caller, responder](const store::Entry& entry) {
            if (entry.type == store::EntryType::kKeyAbandoned) {
                return responder.error(0, ErrorKind::kKeyAbandoned, "the key was abandoned",
                                       {{"lsn", entry.lsn}});
            }
            show_order(order_number(entry), caller, responder);
        });
}

void Service::show_order(Lsn order, const Caller& caller, const Responder& responder) {
    view_order(order, kNow, caller, responder, [this, responder](const store::KnownOrder& view) {
        std::string body;
        JsonWriter json{body};
        append_order(json, view, event_of(view.first), store_.left_of(view.first.lsn));
        responder.result(0, std::move(body));
    });
}

void Service::read_order(Lsn order, Lsn as_of, const Responder& responder,
                         std::function<void(const std::optional<store::KnownOrder>&)> show) {
    using Known = std::optional<store::KnownOrder>;
    if (order == 0 || order > store_.state().last_lsn()) return show({});
    const auto lookup = store_.look_up(order);
    read_ledger(
        lookups_, std::max(order, lookup.newest), responder,
        [order, lookup, as_of](store::LedgerReader& reader) {
            auto first = reader.entry(order);
            if (!begins_order(first.type)) return Known{};
            auto newest = reader.entry(newest_entry(lookup));
            while (newest.lsn > as_of && newest.previous > 0)
                newest = reader.entry(newest.previous);
            return Known{{std::move(first), std::move(newest), lookup}};
        },
        std::move(show));
}

void Service::view_order(Lsn order, Lsn as_of, const Caller& caller, const Responder& responder,
                         std::function<void(const store::KnownOrder&)> show) {
    const auto last = store_.state().last_lsn();
    read_order(order, as_of, responder,
               [=, show = std::move(show)](const std::optional<store::KnownOrder>& known) {
                   // Somebody else's order is answered like none at all.
                   if (known && (caller.is_auditor || known->first.uid == caller.uid)) {
                       return show(*known);
                   }
                   responder.error(order > last ? last : 0, ErrorKind::kNotFound, "no such order");
               });
}

void Service::orders(const Params& params, const Caller& caller, const Responder& responder) {
    OrderFilter filter;
    if (params.has(0)) {
        filter.event = store_.state().find_event(params.text(0));
        if (!filter.event) return refuse_unknown_event(params.text(0), responder);
    }
    if (params.has(1) && params.at(1)->kind == ValueKind::kString) {
        filter.buyer = params.text(1);
    } else if (params.has(1)) {
        filter.uid = static_cast<UserId>(params.integer(1, 0));
    }
    if (!caller.is_auditor) {
        if (filter.uid && *filter.uid != caller.uid) {
            return responder.error(0, ErrorKind::kDenied,
                                   "others' orders are for operators and auditors");
        }
        filter.uid = caller.uid;
    }
    OrderPage page{std::move(filter), std::string{params.text(2)}};
    page.from = params.integer(3, 0) + 1;
    page.last = store_.state().last_lsn();
    page.limit = params.integer(4, limits::kRowsDefault);
    read_page(std::make_shared<OrderPage>(std::move(page)), responder);
}

void Service::read_page(const std::shared_ptr<OrderPage>& page, const Responder& responder) {
    read_ledger(
        scans_, page->last, responder,
        [page](store::LedgerReader& reader) {
            // Whatever state an order is in, it takes more than its first entry to tell.
            const auto most = page->state.empty() ? page->limit : limits::kRows;
            return read_rows(
                reader, page->from, page->last, most,
                [&page](const store::Entry& entry) { return page->filter.admits(entry); });
        },
        [this, page, responder](Rows rows) { look_up_page(page, std::move(rows), responder); });
}

// All of these orders as they are at one moment, which is now.
void Service::look_up_page(const std::shared_ptr<OrderPage>& page, Rows rows,
                           const Responder& responder) {
    std::vector<store::OrderLookup> lookups;
    Lsn rests_on = 0;
    for (const auto& first : rows.entries) {
        lookups.push_back(store_.look_up(first.lsn));
        rests_on = std::max(rests_on, lookups.back().newest);
    }
    read_ledger(
        scans_, rests_on, responder,
        [firsts = std::move(rows.entries), lookups = std::move(lookups)](
            store::LedgerReader& reader) { return read_orders(reader, firsts, lookups); },
        [this, page, seen = rows.seen, responder](std::vector<store::KnownOrder> orders) {
            if (!page->take(std::move(orders), seen)) return read_page(page, responder);
            const auto append = [this](JsonWriter& json, const store::KnownOrder& order) {
                append_order(json, order, event_of(order.first), store_.left_of(order.first.lsn));
            };
            responder.result(0, rows_json("orders", page->orders, append, page->next));
        });
}

}  // namespace ticketd::net
