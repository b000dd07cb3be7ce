// The part of history_scene.h about orders.
#include <algorithm>
#include <array>
#include <utility>

#include "tests/fault/history_model.h"
#include "tests/fault/history_scene.h"

namespace ticketd::testing {
namespace {

bool is_same(const Op& a, const Op& b) {
    return a.deed == b.deed && a.quantity == b.quantity && a.min_quantity == b.min_quantity &&
           a.memo == b.memo && a.order == b.order && a.ttl_ms == b.ttl_ms &&
           (changes_order(a.deed) || a.event == b.event);
}

}  // namespace

// As if they came one after another; if one cannot be done, as if none had come.
void Scene::perform_atomically(std::vector<Op> ops) {
    end_due_holds();
    serve_line();
    const auto before = *this;
    std::map<std::string, std::uint64_t> wanted;
    auto failed = ops.size();
    for (std::size_t i = 0; i < ops.size() && failed == ops.size(); ++i) {
        ops[i].batch = before.history.ops.size() + 1;
        ops[i].number = before.history.ops.size() + i;
        begin(ops[i]);
        decide(ops[i]);
        if (ops[i].answer == Answer::kRefused) failed = i;
    }
    if (failed < ops.size()) *this = before;
    for (std::size_t i = 0; i < ops.size(); ++i) {
        auto& op = ops[i];
        begin(op);
        op.batch = before.history.ops.size() + 1;
        op.number = history.ops.size();
        op.ahead = std::exchange(wanted[op.event], wanted[op.event] + op.quantity);
        if (failed < ops.size()) {
            op.told = {};
            refuse(op, "linked_failed");
            if (i == failed) decide_new_order(op);
            refused_[scoped_key(op.uid, op.key)] = {op, op.told};
        }
        history.ops.push_back(op);
    }
}

// A key that has an entry, or was told no, is answered as it was.
void Scene::decide_keyed(Op& op) {
    const auto key = scoped_key(op.uid, op.key);
    if (const auto done = done_.find(key); !op.key.empty() && done != done_.end()) {
        const auto& before = done->second;
        if (before.deed == Deed::kAbandon) {
            refuse(op, "key_abandoned");
            op.told.lsn = before.told.lsn;
            return;
        }
        if (!is_same(before, op)) return refuse(op, "key_mismatch");
        op.event = before.event;
        op.told = before.told;
        op.told.replayed = true;
        return;
    }
    if (const auto found = refused_.find(key); !op.key.empty() && found != refused_.end()) {
        if (!is_same(found->second.op, op)) return refuse(op, "key_mismatch");
        op.answer = Answer::kRefused;
        op.told = found->second.told;
        return;
    }
    if (const auto place = place_of_key(op)) {
        if (!is_same(history.ops[line_[*place].front()], op)) return refuse(op, "key_mismatch");
        op.answer = Answer::kUnknown;
        op.ended_ns = kNever;
        line_[*place].push_back(op.number);
        return;
    }
    if (changes_order(op.deed)) {
        decide_change(op);
    } else {
        decide_new_order(op);
    }
    if (op.key.empty()) return;
    if (op.answer == Answer::kOk) {
        done_[key] = op;
    } else if (op.told.lsn > 0) {
        refused_[key] = {op, op.told};
    }
}

std::string Scene::shortage_of(const Op& op, bool is_behind) const {
    const auto& before = entries[last_change_.at(op.event)];
    if (op.min_quantity > before.capacity) return "never_satisfiable";
    if (op.ahead + op.min_quantity <= before.available()) {
        return is_behind ? "reserved_for_line" : "";
    }
    if (before.available() > 0) return "insufficient";
    return before.held > before.overcommit ? "held_out" : "sold_out";
}

void Scene::decide_new_order(Op& op) {
    if (!last_change_.contains(op.event)) return refuse(op, "not_found");
    const auto why_not = shortage_of(op, has_line(op.event));
    if (why_not.empty()) return make_order(op);
    if (op.wait_ms > 0 && why_not != "never_satisfiable") return stand_in_line(op);
    refuse(op, why_not);
    op.told.requested = op.ahead + op.min_quantity;
    refuse_for_stock(op, entries[last_change_[op.event]]);
}

void Scene::make_order(Op& op) {
    const auto before = entries[last_change_[op.event]];
    const bool is_hold = op.deed == Deed::kHold;
    auto& order = append(op, is_hold ? RawType::kHeld : RawType::kPurchased);
    order.requested = op.quantity;
    order.min_quantity = op.min_quantity;
    order.granted = std::min(op.quantity, before.available());
    order.capacity = before.capacity;
    order.held = before.held + (is_hold ? order.granted : 0);
    order.sold = before.sold + (is_hold ? 0 : order.granted);
    const bool has_serials = !is_hold && !uses_slots(op.event);
    order.first_serial = has_serials ? before.next_serial : 0;
    if (uses_slots(op.event)) order.tickets = take_lowest_slots(op.event, order.granted);
    order.next_serial = before.next_serial + (is_hold ? 0 : order.granted);
    if (is_hold) ends_ms_[order.lsn] = order.expires_ms = order.time_ms + op.ttl_ms;
    newest_[order.lsn] = entries.size() - 1;
    answer(op, order);
}

void Scene::decide_change(Op& op) {
    const auto found = newest_.find(op.order);
    if (found == newest_.end()) return refuse(op, "not_found");
    const auto newest = entries[found->second];
    const auto first = entries[op.order - 1];
    const bool is_cancel = op.deed == Deed::kCancel;
    op.event = names_[first.event];
    if (state_after(newest) != (is_cancel ? "sold" : "held")) return refuse_change(op, newest);
    const auto tickets = tickets_of(newest);
    const auto has = is_cancel ? tickets.size() : first.granted;
    if (op.quantity > has) {
        refuse(op, "invalid_params");
        op.told.lsn = entries[last_change_[op.event]].lsn;
        return;
    }
    const auto quantity = op.quantity == 0 ? has : op.quantity;
    constexpr std::array<RawType, 4> kTypes{RawType::kConfirmed, RawType::kReleased,
                                            RawType::kExtended, RawType::kCancelled};
    const auto type =
        kTypes[static_cast<std::size_t>(op.deed) - static_cast<std::size_t>(Deed::kConfirm)];
    auto& entry = append_change(op, type, type == RawType::kExtended || is_cancel ? 0 : has);
    if (op.deed == Deed::kConfirm || is_cancel) entry.requested = op.quantity;
    if (op.deed == Deed::kConfirm) {
        entry.granted = quantity;
        entry.first_serial = uses_slots(op.event) ? 0 : entry.next_serial;
        entry.next_serial += quantity;
        entry.sold += quantity;
    }
    if (type == RawType::kExtended) {
        ends_ms_[op.order] = entry.expires_ms = entry.time_ms + op.ttl_ms;
    } else if (!is_cancel) {
        ends_ms_.erase(op.order);
    }
    if (is_cancel) {
        const auto kept = tickets.end() - static_cast<std::ptrdiff_t>(quantity);
        entry.tickets.assign(tickets.begin(), kept);
        entry.returned.assign(kept, tickets.end());
        entry.restocks = true;
        entry.owner = first.uid;
        entry.sold -= quantity;
    }
    keep_slots(entry, first);
    answer(op, entry);
}

RawEntry& Scene::append_change(const Op& op, RawType type, std::uint64_t freed) {
    const auto before = entries[last_change_[op.event]];
    const auto previous = entries[newest_[op.order]].lsn;
    auto& entry = append(op, type);
    entry.order = op.order;
    entry.previous = previous;
    entry.capacity = before.capacity;
    entry.held = before.held - freed;
    entry.sold = before.sold;
    entry.next_serial = before.next_serial;
    newest_[op.order] = entries.size() - 1;
    return entry;
}

void Scene::expire(std::uint64_t order) {
    const auto first = entries[order - 1];
    Op nobody;
    nobody.uid = first.uid;
    nobody.event = names_[first.event];
    nobody.order = order;
    time_ms_ = std::max(time_ms_, ends_ms_.at(order));
    ends_ms_.erase(order);
    keep_slots(append_change(nobody, RawType::kExpired, first.granted), first);
}

void Scene::end_due_holds() {
    const auto ends = ends_ms_;
    for (const auto& [order, end_ms] : ends) {
        if (end_ms <= time_ms_) expire(order);
    }
}

void Scene::show_order(Op& op) const {
    const auto done = done_.find(scoped_key(op.uid, op.key));
    if (done == done_.end()) return refuse(op, "not_found");
    if (done->second.deed == Deed::kAbandon) {
        refuse(op, "key_abandoned");
        op.told.lsn = done->second.told.lsn;
        return;
    }
    const auto number = done->second.told.order;
    const auto& first = entries[number - 1];
    const auto& newest = entries[newest_.at(number)];
    answer(op, newest);
    op.told.requested = first.requested;
    op.told.returned.clear();
    if (op.told.state == "held") op.told.serials = tickets_of(first);
    const bool has_numbers = newest.is_sale() || newest.type == RawType::kCancelled;
    op.told.granted = has_numbers ? op.told.serials.size() : first.granted;
}

void Scene::answer(Op& op, const RawEntry& entry) const {
    auto& told = op.told;
    op.event = names_[entry.event];
    told.order = entry.order == 0 ? entry.lsn : entry.order;
    told.lsn = entry.lsn;
    told.state = state_after(entry);
    told.requested = entry.order == 0 ? entry.requested : 0;
    told.granted = entry.granted;
    told.available = entry.available();
    told.serials = tickets_of(entry);
    told.returned = entry.returned;
}

void Scene::refuse_for_stock(Op& op, const RawEntry& state) {
    op.told.available = state.available();
    op.told.held = state.held;
    op.told.capacity = state.capacity;
    op.told.committed = state.held + state.sold;
    op.told.lsn = state.lsn;
}

void Scene::refuse_change(Op& op, const RawEntry& newest) {
    refuse(op, newest.type == RawType::kExpired ? "hold_expired" : "wrong_state");
    op.told.order = op.order;
    op.told.lsn = newest.lsn;
}

}  // namespace ticketd::testing
