#include "tests/fault/history_scene.h"

#include <algorithm>

#include "tests/fault/history_model.h"

namespace ticketd::testing {
namespace {

constexpr std::uint32_t kUid = 7;

Op op_of_scene(Deed deed, const std::string& event) {
    auto op = new_op(deed, event);
    op.uid = kUid;
    return op;
}

bool is_same(const Op& a, const Op& b) {
    return a.event == b.event && a.quantity == b.quantity && a.min_quantity == b.min_quantity &&
           a.memo == b.memo;
}

}  // namespace

std::size_t Scene::perform(Op op) {
    op.number = history.ops.size();
    if (op.ended_ns == kNever) {
        op.invoked_ns = now_ns + 1;
        op.ended_ns = now_ns + 3;
    }
    now_ns = std::max(now_ns, op.ended_ns) + 1;
    op.answer = Answer::kOk;
    const auto key = scoped_key(op.uid, op.key);
    switch (op.deed) {
        case Deed::kPurchase: decide_purchase(op); break;
        case Deed::kCreate:
        case Deed::kResize: decide_event(op); break;
        case Deed::kQuery: {
            if (last_change_.contains(op.event)) {
                op.told.counts = {counts_of(op.event)};
            } else {
                refuse(op, "not_found");
            }
            break;
        }
        case Deed::kEvents:
            for (const auto& name : names_)
                op.told.counts.push_back(counts_of(name));
            break;
        case Deed::kOrder:
            if (!bought_.contains(key)) {
                refuse(op, "not_found");
            } else if (entries[bought_[key]].type == RawType::kPurchased) {
                answer_sale(op, entries[bought_[key]]);
            } else {
                refuse(op, "key_abandoned");
                op.told.lsn = entries[bought_[key]].lsn;
            }
            break;
        case Deed::kAbandon:
            op.told.replayed = bought_.contains(key);
            if (!op.told.replayed) {
                bought_[key] = entries.size();
                append(op, RawType::kKeyAbandoned);
            }
            op.told.lsn = entries[bought_[key]].lsn;
            if (entries[bought_[key]].type == RawType::kPurchased) {
                answer_sale(op, entries[bought_[key]]);
            }
            break;
    }
    history.ops.push_back(std::move(op));
    return history.ops.size() - 1;
}

void Scene::decide_purchase(Op& op) {
    const auto key = scoped_key(op.uid, op.key);
    if (!op.key.empty() && bought_.contains(key)) {
        const auto& entry = entries[bought_[key]];
        if (entry.type == RawType::kKeyAbandoned) {
            refuse(op, "key_abandoned");
            op.told.lsn = entry.lsn;
            return;
        }
        const bool same = names_[entry.event] == op.event && entry.requested == op.quantity &&
                          entry.min_quantity == op.min_quantity && entry.memo == op.memo;
        if (!same) return refuse(op, "key_mismatch");
        answer_sale(op, entry);
        op.told.replayed = true;
        return;
    }
    if (const auto found = refused_.find(key); !op.key.empty() && found != refused_.end()) {
        if (!is_same(found->second.op, op)) return refuse(op, "key_mismatch");
        op.answer = Answer::kRefused;
        op.told = found->second.told;
        return;
    }
    if (!last_change_.contains(op.event)) return refuse(op, "not_found");
    const auto before = entries[last_change_[op.event]];
    if (before.available() < op.min_quantity) {
        refuse(op, op.min_quantity > before.capacity ? "never_satisfiable"
                   : before.available() > 0          ? "insufficient"
                                                     : "sold_out");
        op.told.requested = op.min_quantity;
        op.told.available = before.available();
        op.told.capacity = before.capacity;
        op.told.committed = before.sold;
        op.told.lsn = before.lsn;
        if (!op.key.empty()) refused_[key] = {op, op.told};
        return;
    }
    if (!op.key.empty()) bought_[key] = entries.size();
    auto& sale = append(op, RawType::kPurchased);
    sale.requested = op.quantity;
    sale.min_quantity = op.min_quantity;
    sale.granted = std::min(op.quantity, before.available());
    sale.first_serial = before.next_serial;
    sale.capacity = before.capacity;
    sale.sold = before.sold + sale.granted;
    sale.next_serial = before.next_serial + sale.granted;
    answer_sale(op, sale);
}

void Scene::decide_event(Op& op) {
    const bool exists = last_change_.contains(op.event);
    if (op.deed == Deed::kCreate) {
        if (exists) {
            refuse(op, "exists");
            op.told.lsn = counts_of(op.event).lsn;
            return;
        }
        names_.push_back(op.event);
        auto& created = append(op, RawType::kEventCreated);
        created.event_name = op.event;
        created.capacity = op.capacity;
        created.next_serial = 1;
    } else {
        if (!exists) return refuse(op, "not_found");
        const auto before = entries[last_change_[op.event]];
        if (op.capacity < before.sold) {
            refuse(op, "capacity_below_committed");
            op.told.requested = op.capacity;
            op.told.available = before.available();
            op.told.capacity = before.capacity;
            op.told.committed = before.sold;
            op.told.lsn = before.lsn;
            return;
        }
        auto& resized = append(op, RawType::kEventResized);
        resized.capacity = op.capacity;
        resized.sold = before.sold;
        resized.next_serial = before.next_serial;
    }
    op.told.counts = {counts_of(op.event)};
}

RawEntry& Scene::append(const Op& op, RawType type) {
    RawEntry entry;
    entry.type = type;
    entry.lsn = entries.size() + 1;
    entry.time_ms = static_cast<std::int64_t>(entries.size() / 3);
    entry.uid = op.uid;
    entry.key = op.key;
    entry.memo = op.memo;
    if (type == RawType::kEventCreated) entry.state = 1;
    if (type != RawType::kKeyAbandoned) {
        const auto name = std::find(names_.begin(), names_.end(), op.event);
        entry.event = static_cast<std::uint32_t>(name - names_.begin());
        last_change_[op.event] = entries.size();
    }
    return entries.emplace_back(std::move(entry));
}

void Scene::answer_sale(Op& op, const RawEntry& sale) const {
    op.event = names_[sale.event];
    op.told.order = op.told.lsn = sale.lsn;
    op.told.requested = sale.requested;
    op.told.granted = sale.granted;
    op.told.available = sale.available();
    for (std::uint64_t i = 0; i < sale.granted; ++i)
        op.told.serials.push_back(sale.first_serial + i);
}

Counts Scene::counts_of(const std::string& event) const {
    const auto& state = entries[last_change_.at(event)];
    return {event, state.capacity, state.available(), state.held, state.sold, state.lsn};
}

void Scene::refuse(Op& op, const std::string& kind) {
    op.answer = Answer::kRefused;
    op.told.refusal = kind;
}

std::size_t Scene::create(const std::string& event, std::uint64_t capacity) {
    auto op = op_of_scene(Deed::kCreate, event);
    op.capacity = capacity;
    return perform(op);
}

std::size_t Scene::resize(const std::string& event, std::uint64_t capacity) {
    auto op = op_of_scene(Deed::kResize, event);
    op.capacity = capacity;
    return perform(op);
}

std::size_t Scene::buy(const std::string& event, std::uint64_t quantity, const std::string& key,
                       std::uint64_t min_quantity) {
    auto op = op_of_scene(Deed::kPurchase, event);
    op.quantity = quantity;
    op.min_quantity = min_quantity == 0 ? quantity : min_quantity;
    op.key = key;
    return perform(op);
}

std::size_t Scene::query(const std::string& event) {
    return perform(op_of_scene(Deed::kQuery, event));
}

std::size_t Scene::list_events() {
    return perform(op_of_scene(Deed::kEvents, ""));
}

std::size_t Scene::look_up(const std::string& key) {
    auto op = op_of_scene(Deed::kOrder, "");
    op.key = key;
    return perform(op);
}

std::size_t Scene::abandon(const std::string& key) {
    auto op = op_of_scene(Deed::kAbandon, "");
    op.key = key;
    return perform(op);
}

void Scene::die() {
    history.deaths_ns.push_back(now_ns++);
    refused_.clear();
}

void Scene::lose_answer(std::size_t index) {
    op(index).answer = Answer::kUnknown;
    op(index).told = {};
}

}  // namespace ticketd::testing
