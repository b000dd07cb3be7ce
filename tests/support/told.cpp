#include "tests/support/told.h"

#include <algorithm>
#include <functional>
#include <stdexcept>

namespace ticketd::tests {
namespace {

using store::Entry;
using store::EntryType;

void require(bool holds, const Entry& entry, const char* rule) {
    if (!holds) {
        throw std::logic_error("LSN " + std::to_string(entry.lsn) + " breaks a rule: " + rule);
    }
}

// The buyers of these stores are users.
box_office::BuyerId buyer_of(UserId uid) {
    return {0, uid};
}

void begin_order(Sum& sum, const Entry& entry) {
    auto& [name, stock, rules, slots] = sum.events.at(entry.event);
    const auto left = stock.capacity - std::min(stock.capacity, stock.sold + stock.held);
    require(entry.granted == std::min(left, entry.requested), entry, "as many as there are");
    require(entry.granted >= entry.min_quantity, entry, "not fewer than asked for");
    require(rules.state == box_office::SaleState::kOpen, entry, "only what is open sells");
    if (rules.terms.reuses_numbers) {
        require(entry.tickets == slots.lowest_free(entry.granted), entry, "the lowest free");
        slots.take(entry.tickets);
    }
    if (entry.type == EntryType::kHeld) {
        stock.held += entry.granted;
        sum.holds[entry.lsn] = {entry.event,         entry.uid,        entry.granted, entry.time_ms,
                                entry.time_ms,       entry.expires_ms, entry.binding, entry.lsn,
                                buyer_of(entry.uid), entry.tickets};
        return;
    }
    require(rules.terms.reuses_numbers || entry.first_serial == stock.next_serial, entry,
            "serials have no gap");
    stock.sold += entry.granted;
    stock.next_serial += entry.granted;
    sum.sold[entry.lsn] = tickets_after(entry);
}

void change_hold(Sum& sum, const Entry& entry) {
    auto& [name, stock, rules, slots] = sum.events.at(entry.event);
    const auto found = sum.holds.find(entry.order);
    require(found != sum.holds.end(), entry, "only a live hold changes");
    auto& hold = found->second;
    require(hold.event == entry.event && hold.last == entry.previous, entry, "one after another");
    if (entry.type == EntryType::kExtended) {
        hold.since_ms = entry.time_ms;
        hold.expires_ms = entry.expires_ms;
        hold.last = entry.lsn;
        return;
    }
    slots.give_back(hold.slots);
    if (entry.type == EntryType::kConfirmed) {
        require(entry.granted <= hold.quantity, entry, "not more than was held");
        require(rules.terms.reuses_numbers || entry.first_serial == stock.next_serial, entry,
                "serials have no gap");
        stock.sold += entry.granted;
        stock.next_serial += entry.granted;
        slots.take(entry.tickets);
        sum.sold[entry.order] = tickets_after(entry);
    }
    stock.held -= hold.quantity;
    sum.holds.erase(found);
}

void cancel(Sum& sum, const Entry& entry) {
    auto& [name, stock, rules, slots] = sum.events.at(entry.event);
    auto& tickets = sum.sold.at(entry.order);
    require(box_office::has_all(tickets, entry.returned), entry, "only what was sold is cancelled");
    tickets = box_office::without(tickets, entry.returned);
    require(tickets == entry.tickets, entry, "the rest stays sold");
    slots.give_back(rules.terms.reuses_numbers ? entry.returned : box_office::TicketNumbers{});
    stock.sold -= entry.returned.size();
    const auto paid = std::min<std::uint64_t>(stock.overcommit, entry.returned.size());
    if (!entry.restocks) stock.capacity -= entry.returned.size() - paid;
}

void close(Sum& sum, const Entry& entry) {
    auto& [name, stock, rules, slots] = sum.events.at(entry.event);
    for (auto hold = sum.holds.begin(); hold != sum.holds.end();) {
        if (hold->second.event != entry.event) {
            ++hold;
            continue;
        }
        slots.give_back(hold->second.slots);
        stock.held -= hold->second.quantity;
        sum.newest[hold->first] = entry.lsn;
        hold = sum.holds.erase(hold);
    }
}

void add(Sum& sum, const Entry& entry) {
    if (entry.type == EntryType::kKeyAbandoned) return;
    if (entry.type == EntryType::kEventCreated) {
        require(entry.event == sum.events.size(), entry, "events are numbered in order");
        sum.events.push_back({entry.event_name, {}, {}});
    }
    auto& event = sum.events.at(entry.event);
    const auto overcommit_before = event.stock.overcommit;
    if (begins_order(entry.type)) {
        begin_order(sum, entry);
    } else if (changes_order(entry.type)) {
        entry.type == EntryType::kCancelled ? cancel(sum, entry) : change_hold(sum, entry);
        sum.newest[entry.order] = entry.lsn;
    } else if (entry.voids_holds) {
        close(sum, entry);
    } else {
        event.stock.capacity = entry.after.capacity;
    }
    auto& [name, stock, rules, slots] = event;
    if (sets_rules(entry.type)) rules = entry.rules;
    stock.lsn = entry.lsn;
    const auto committed = stock.sold + stock.held;
    stock.overcommit = committed - std::min(committed, stock.capacity);
    require(stock.overcommit <= overcommit_before || entry.type == EntryType::kEventResized, entry,
            "no oversell");
    require(stock == entry.after, entry, "the counts are those after the change");
}

}  // namespace

Sum add_up_all(std::span<const Entry> entries) {
    Sum sum;
    for (const auto& entry : entries)
        add(sum, entry);
    return sum;
}

store::Holds with_buyers(store::Holds holds, const store::LedgerState& state) {
    for (auto& [order, hold] : holds)
        hold.buyer = state.buyer(hold.uid, "");
    return holds;
}

Lsn Expected::holder(UserId uid, const std::string& key) const {
    for (const auto& entry : entries) {
        if (entry.lsn >= floor && entry.uid == uid && entry.key == key) return entry.lsn;
    }
    return 0;
}

void Told::keys_may_go(Position at) {
    note({at, KeysMayGo{now_.entries.size()}});
}

Expected Told::at(Position position) const {
    Expected expected;
    for (const auto& mark : marks_) {
        if (mark.at <= position) apply(mark, expected);
    }
    std::string image;
    for (const auto& entry : expected.entries)
        store::append_entry(image, entry);
    image += std::to_string(expected.durable) + "," + std::to_string(expected.floor) + "," +
             std::to_string(expected.forgettable);
    for (const auto& [first, last] : expected.together)
        image += "," + std::to_string(first) + "-" + std::to_string(last);
    expected.digest = std::hash<std::string>{}(image);
    return expected;
}

Told Told::as_past() const {
    auto past = *this;
    for (auto& mark : past.marks_)
        mark.at = 0;
    return past;
}

void Told::note(Mark mark) {
    apply(mark, now_);
    marks_.push_back(std::move(mark));
}

void Told::apply(const Mark& mark, Expected& expected) {
    if (const auto* entry = std::get_if<Entry>(&mark.what)) {
        expected.entries.push_back(*entry);
    } else if (const auto* durable = std::get_if<Durable>(&mark.what)) {
        expected.durable = std::max(expected.durable, durable->lsn);
    } else if (const auto* back = std::get_if<TakenBack>(&mark.what)) {
        if (expected.entries.size() > back->lsn) expected.entries.resize(back->lsn);
        std::erase_if(expected.together,
                      [back](const auto& range) { return range.first > back->lsn; });
    } else if (const auto* together = std::get_if<Together>(&mark.what)) {
        expected.together.emplace_back(together->first, together->last);
    } else if (const auto* may_go = std::get_if<KeysMayGo>(&mark.what)) {
        expected.forgettable = std::max(expected.forgettable, may_go->last);
    } else if (const auto* gone = std::get_if<KeysGone>(&mark.what)) {
        expected.floor = std::max(expected.floor, gone->floor);
    }
}

}  // namespace ticketd::tests
