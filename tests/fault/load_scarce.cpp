// What clients do about events that have only a few tickets: those they wait for, and slots, which
// are used again and again.
#include <algorithm>

#include "tests/fault/load_habits.h"

namespace ticketd::testing {

void Customer::create_scarce() {
    for (const auto& event : {few_, slots_}) {
        if (!client_.reach_daemon()) return;
        auto create = new_op(Deed::kCreate, event);
        create.has_slots = event == slots_;
        create.capacity = create.has_slots ? 4 : 5;
        ask(create);
    }
}

// Not for long, and not often: who waits asks for nothing else, and keeps others waiting.
Op Customer::perhaps_waiting(Op op) {
    if (op.event == plan_.event || below(4) != 0) return op;
    op.wait_ms = 1 + static_cast<std::int64_t>(below(below(8) == 0 ? 300 : 25));
    return op;
}

// Now and then there are some more, or one less, or it is tried to take back sold ones.
void Customer::resize() {
    const bool is_of_slots = below(4) == 0;
    const auto& event = is_of_slots ? slots_ : few_;
    const auto seen = client_.ask(new_op(Deed::kQuery, event));
    if (seen.answer != Answer::kOk || !client_.reach_daemon()) return;
    auto op = new_op(Deed::kResize, event);
    const auto sold = seen.told.counts.front().sold;
    op.capacity = sold + (is_of_slots ? 1 + below(5) : below(12));
    if (below(8) == 0) op.capacity = sold / 2;
    ask(op);
}

// Most are held for a short time or as long as the connection lasts; those that are bought are
// given back soon.
void Customer::use_slots() {
    if (below(12) == 0) return client_.hang_up();
    if (below(3) == 0 && return_slots()) return;
    auto op = keyed_purchase(slots_);
    if (below(4) == 0) op.key.clear();
    if (below(2) == 0) op.min_quantity = 1;
    if (below(5) != 0) {
        op.deed = Deed::kHold;
        op.is_bound = below(3) == 0;
        op.ttl_ms = op.is_bound && below(2) == 0 ? 0 : 1 + static_cast<std::int64_t>(below(60));
    }
    op = perhaps_waiting(std::move(op));
    op.key.empty() ? ask(op) : settle_or_leave(op);
    if (below(2) == 0 && client_.reach_daemon()) change_order();
}

// All of an order, or one slot of it; false if this client has bought none.
bool Customer::return_slots() {
    const auto known = std::find_if(orders_.begin(), orders_.end(), [this](const Known& order) {
        return order.event == slots_ && !order.is_held;
    });
    if (known == orders_.end()) return false;
    auto op = new_op(Deed::kCancel, "");
    op.order = known->number;
    if (below(3) == 0) op.serials = {known->serials[below(known->serials.size())]};
    op.restocks = below(8) != 0;
    op.key = prefix_ + std::to_string(keys_++);
    settle_or_leave(op);
    return true;
}

}  // namespace ticketd::testing
