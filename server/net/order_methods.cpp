// order and orders: what became of them, from the journal on disk. The entry that began an order is
// found by its number; where the newest one is, the store knows or its order runs do.
#include <algorithm>
#include <map>

#include "server/net/order_json.h"
#include "server/net/rows.h"
#include "server/net/service.h"

namespace ticketd::net {
namespace {

struct OrderFilter {
    std::optional<EventId> event;
    std::optional<UserId> uid;
    std::optional<std::string> buyer;  // as claimed

    bool admits(const store::Entry& entry) const {
        return begins_order(entry.type) && (!event || entry.event == *event) &&
               (!uid || entry.uid == *uid) && (!buyer || entry.buyer == *buyer);
    }
};

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
    const auto last = store_.state().last_lsn();
    const auto from = params.integer(3, 0) + 1;
    const auto limit = params.integer(4, limits::kRowsDefault);
    read_ledger(
        scans_, last, responder,
        [=](store::LedgerReader& reader) {
            return read_rows(reader, from, last, limit,
                             [&](const store::Entry& entry) { return filter.admits(entry); });
        },
        [this, responder, next_after = last, state = std::string{params.text(2)}](Rows rows) {
            const auto next = rows.seen < next_after ? rows.seen : 0;
            show_orders(std::move(rows.entries), state, next, responder);
        });
}

// All of them as they are at one moment, which is now.
void Service::show_orders(std::vector<store::Entry> firsts, const std::string& state, Lsn next,
                          const Responder& responder) {
    std::vector<store::OrderLookup> lookups;
    Lsn rests_on = 0;
    for (const auto& first : firsts) {
        lookups.push_back(store_.look_up(first.lsn));
        rests_on = std::max(rests_on, lookups.back().newest);
    }
    read_ledger(
        scans_, rests_on, responder,
        [firsts = std::move(firsts), lookups = std::move(lookups),
         state](store::LedgerReader& reader) {
            auto orders = read_orders(reader, firsts, lookups);
            std::erase_if(orders, [&state](const store::KnownOrder& order) {
                return !state.empty() && order_state(order.newest) != state;
            });
            return orders;
        },
        [this, responder, next](const std::vector<store::KnownOrder>& orders) {
            const auto append = [this](JsonWriter& json, const store::KnownOrder& order) {
                append_order(json, order, event_of(order.first), store_.left_of(order.first.lsn));
            };
            responder.result(0, rows_json("orders", orders, append, next));
        });
}

}  // namespace ticketd::net
