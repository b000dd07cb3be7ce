// order and orders: what became of them, from the journal on disk. The entry that began an order is
// found by its number; where the newest one is, the store knows or its order runs do.
#include <algorithm>

#include "server/net/order_json.h"
#include "server/net/rows.h"
#include "server/net/service.h"

namespace ticketd::net {
namespace {

struct OrderFilter {
    std::optional<EventId> event;
    std::optional<UserId> buyer;

    bool admits(const store::Entry& entry) const {
        return begins_order(entry.type) && (!event || entry.event == *event) &&
               (!buyer || entry.uid == *buyer);
    }
};

OrderView read_order(store::LedgerReader& reader, store::Entry first,
                     const store::OrderLookup& lookup) {
    const auto newest = newest_entry(lookup);
    if (newest == first.lsn) return {first, first};
    return {std::move(first), reader.entry(newest)};
}

// What a purchase sold stays sold.
bool can_have_changed(const store::Entry& first) {
    return first.type == store::EntryType::kHeld;
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
    view_order(order, caller, responder, [this, responder](const OrderView& view) {
        std::string body;
        JsonWriter json{body};
        append_order(json, view, event_of(view.first), store_.left_of(view.first.lsn));
        responder.result(0, std::move(body));
    });
}

void Service::view_order(Lsn order, const Caller& caller, const Responder& responder,
                         std::function<void(const OrderView&)> show) {
    const auto last = store_.state().last_lsn();
    const auto refuse_missing = [responder](Lsn rests_on) {
        responder.error(rests_on, ErrorKind::kNotFound, "no such order");
    };
    if (order == 0 || order > last) return refuse_missing(last);
    const auto lookup = store_.look_up(order);
    read_ledger(
        lookups_, std::max(order, lookup.newest), responder,
        [order, lookup](store::LedgerReader& reader) {
            auto first = reader.entry(order);
            if (!begins_order(first.type)) return OrderView{first, first};
            return read_order(reader, std::move(first), lookup);
        },
        [caller, refuse_missing, show = std::move(show)](const OrderView& view) {
            // Somebody else's order is answered like none at all.
            const bool is_visible = caller.is_auditor || view.first.uid == caller.uid;
            if (!begins_order(view.first.type) || !is_visible) return refuse_missing(0);
            show(view);
        });
}

void Service::orders(const Params& params, const Caller& caller, const Responder& responder) {
    OrderFilter filter;
    if (params.has(0)) {
        filter.event = store_.state().find_event(params.text(0));
        if (!filter.event) return refuse_unknown_event(params.text(0), responder);
    }
    if (params.has(1)) filter.buyer = static_cast<UserId>(params.integer(1, 0));
    if (!caller.is_auditor) {
        if (filter.buyer && *filter.buyer != caller.uid) {
            return responder.error(0, ErrorKind::kDenied,
                                   "others' orders are for operators and auditors");
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
        auto lookup = can_have_changed(first) ? store_.look_up(first.lsn)
                                              : store::OrderLookup{first.lsn, first.lsn, {}};
        rests_on = std::max(rests_on, lookup.newest);
        lookups.push_back(std::move(lookup));
    }
    read_ledger(
        scans_, rests_on, responder,
        [firsts = std::move(firsts), lookups = std::move(lookups),
         state](store::LedgerReader& reader) {
            std::vector<OrderView> views;
            for (std::size_t i = 0; i < firsts.size(); ++i) {
                auto view = read_order(reader, firsts[i], lookups[i]);
                const bool is_wanted = state.empty() || order_state(view.newest.type) == state;
                if (is_wanted) views.push_back(std::move(view));
            }
            return views;
        },
        [this, responder, next](const std::vector<OrderView>& views) {
            const auto append = [this](JsonWriter& json, const OrderView& view) {
                append_order(json, view, event_of(view.first), store_.left_of(view.first.lsn));
            };
            responder.result(0, rows_json("orders", views, append, next));
        });
}

}  // namespace ticketd::net
