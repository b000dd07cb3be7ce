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

}  // namespace

void Scene::begin(Op& op) {
    if (op.ended_ns == kNever) {
        op.invoked_ns = now_ns + 1;
        op.ended_ns = now_ns + 3;
    }
    now_ns = std::max(now_ns, op.ended_ns) + 1;
}

std::size_t Scene::perform(Op op) {
    op.number = history.ops.size();
    begin(op);
    end_due_holds();
    serve_line();
    decide(op);
    history.ops.push_back(std::move(op));
    const auto index = history.ops.size() - 1;
    serve_line();
    return index;
}

void Scene::decide(Op& op) {
    op.answer = Answer::kOk;
    const auto key = scoped_key(op.uid, op.key);
    switch (op.deed) {
        case Deed::kCreate:
        case Deed::kResize: return decide_event(op);
        case Deed::kQuery:
            if (!last_change_.contains(op.event)) return refuse(op, "not_found");
            op.told.counts = {counts_of(op.event)};
            return;
        case Deed::kEvents:
            for (const auto& name : names_)
                op.told.counts.push_back(counts_of(name));
            return;
        case Deed::kOrder: return show_order(op);
        case Deed::kAbandon:
            op.told.replayed = done_.contains(key);
            if (!op.told.replayed) {
                op.told.lsn = append(op, RawType::kKeyAbandoned).lsn;
                done_[key] = op;
                if (const auto place = place_of_key(op)) {
                    auto refused = op;
                    refuse(refused, "key_abandoned");
                    answer_waiter(*place, refused);
                }
            }
            op.event = done_[key].event;
            op.told = done_[key].told;
            op.told.replayed = done_[key].number != op.number;
            return;
        default: return decide_keyed(op);
    }
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
        if (op.has_slots) {
            created.terms = std::uint64_t{8} << 32U;
            slots_[op.event];
        }
    } else {
        if (!exists) return refuse(op, "not_found");
        const auto before = entries[last_change_[op.event]];
        if (op.capacity < before.held + before.sold) {
            refuse(op, "capacity_below_committed");
            op.told.requested = op.capacity;
            return refuse_for_stock(op, before);
        }
        auto& resized = append(op, RawType::kEventResized);
        resized.capacity = op.capacity;
        resized.held = before.held;
        resized.sold = before.sold;
        resized.next_serial = before.next_serial;
    }
    op.told.counts = {counts_of(op.event)};
}

RawEntry& Scene::append(const Op& op, RawType type) {
    RawEntry entry;
    entry.type = type;
    entry.lsn = entries.size() + 1;
    time_ms_ = std::max(time_ms_, static_cast<std::int64_t>(entries.size() / 3));
    entry.time_ms = time_ms_;
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

std::size_t Scene::create_slots(const std::string& event, std::uint64_t capacity) {
    auto op = op_of_scene(Deed::kCreate, event);
    op.capacity = capacity;
    op.has_slots = true;
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

std::size_t Scene::hold(const std::string& event, std::uint64_t quantity, const std::string& key) {
    auto op = op_of_scene(Deed::kHold, event);
    op.quantity = op.min_quantity = quantity;
    op.ttl_ms = 1000;
    op.key = key;
    return perform(op);
}

std::size_t Scene::change(Deed deed, std::uint64_t order, const std::string& key,
                          std::uint64_t quantity) {
    auto op = op_of_scene(deed, "");
    op.order = order;
    op.quantity = quantity;
    op.key = key;
    if (deed == Deed::kExtend) op.ttl_ms = 1000;
    return perform(op);
}

void Scene::die() {
    for (const auto& waiter : line_) {
        for (const auto index : waiter)
            op(index).ended_ns = now_ns;
    }
    line_.clear();
    history.deaths_ns.push_back(now_ns++);
    refused_.clear();
}

void Scene::lose_answer(std::size_t index) {
    op(index).answer = Answer::kUnknown;
    op(index).told = {};
}

}  // namespace ticketd::testing
