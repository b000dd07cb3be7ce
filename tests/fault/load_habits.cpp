#include "tests/fault/load_habits.h"

#include <algorithm>
#include <array>

#include "client/wait.h"
#include "tests/support/process.h"

namespace ticketd::testing {
namespace {

constexpr std::size_t kRemembered = 64;
constexpr std::size_t kFillBatch = 100;  // fits the longest message that a daemon takes
constexpr std::size_t kKeyBytes = 128;   // the longest that it takes
constexpr std::size_t kMemoBytes = 256;

bool is_answered(const Op& op) {
    return op.answer != Answer::kUnknown && op.told.refusal != "busy" &&
           op.told.refusal != "storage_full";
}

}  // namespace

Customer::Customer(const Load::Plan& plan, std::uint32_t number, const std::atomic<bool>& stopping,
                   std::atomic<std::uint64_t>& answered)
    : plan_(plan),
      stopping_(stopping),
      answered_(answered),
      client_({plan.socket, number, plan.log_fd}),
      random_(plan.seed + number),
      prefix_(
          "b" +
          std::to_string(number - plan.first_client + plan.keys_like.value_or(plan.first_client)) +
          "-"),
      few_(plan.event + "-few"),
      slots_(plan.event + "-slots") {}

void Customer::run() {
    if (plan_.habit == Habit::kMix && plan_.is_operator) create_scarce();
    while (!stopping_ && !is_done_ && client_.problems().empty()) {
        switch (plan_.habit) {
            case Habit::kBuy: buy(); break;
            case Habit::kMix: mix(); break;
            case Habit::kFill: fill(); break;
        }
    }
}

Op Customer::purchase(const std::string& event) {
    auto op = new_op(Deed::kPurchase, event);
    op.quantity = op.min_quantity = below(plan_.quantity_max) + 1;
    return op;
}

Op Customer::keyed_purchase(const std::string& event) {
    auto op = purchase(event);
    op.key = prefix_ + std::to_string(keys_++);
    return op;
}

void Customer::buy() {
    if (settle(keyed_purchase(plan_.event)).told.refusal == "sold_out") is_done_ = true;
}

Op Customer::settle(const Op& op) {
    Op last = op;
    while (client_.problems().empty() && client_.reach_daemon()) {
        last = client_.ask(op);
        if (is_answered(last)) {
            ++answered_;
            note(last);
            return last;
        }
        client::pause_for(std::chrono::milliseconds{1}, client::Clock::now() + kPatience);
    }
    return last;
}

void Customer::ask(const Op& op) {
    const auto ended = client_.ask(op);
    if (is_answered(ended)) ++answered_;
    note(ended);
}

void Customer::note(const Op& op) {
    const bool is_order = op.answer == Answer::kOk && op.told.order > 0;
    if (!is_order) return;
    std::erase_if(orders_, [&op](const Known& known) { return known.number == op.told.order; });
    if (op.told.state != "held" && op.told.state != "sold") return;
    const bool is_held = op.told.state == "held";
    // An extension does not tell which slots are held.
    orders_.push_back({op.told.order, op.event, is_held ? Numbers{} : op.told.serials, is_held});
    if (orders_.size() > kRemembered) orders_.erase(orders_.begin());
}

// Most end by themselves soon, so that there are never too many.
void Customer::hold(const std::string& event) {
    auto op = below(4) == 0 ? purchase(event) : keyed_purchase(event);
    op.deed = Deed::kHold;
    op.is_bound = below(8) == 0;
    op.ttl_ms = op.is_bound ? 0 : 1 + static_cast<std::int64_t>(below(below(2) == 0 ? 30 : 1000));
    if (below(4) == 0) op.min_quantity = 1 + below(op.quantity);
    op = perhaps_waiting(std::move(op));
    if (op.key.empty()) return ask(op);
    settle_or_leave(op);
}

// Of an order that this client knows, and sometimes of one that is another's or none.
void Customer::change_order() {
    if (orders_.empty()) return;
    auto known = std::find_if(orders_.rbegin(), orders_.rend(),
                              [](const Known& order) { return order.is_held; });
    if (known == orders_.rend() || below(3) == 0) {
        known = orders_.rbegin() + static_cast<std::ptrdiff_t>(below(orders_.size()));
    }
    auto op = some_change(*known);
    if (below(8) == 0) op.order += below(40);
    if (below(4) == 0) return ask(op);
    op.key = prefix_ + std::to_string(keys_++);
    settle_or_leave(op);
}

Op Customer::some_change(const Known& order) {
    constexpr std::array<Deed, 4> kDeeds{Deed::kConfirm, Deed::kRelease, Deed::kExtend,
                                         Deed::kCancel};
    const bool is_right = below(10) != 0;
    const auto of_hold = kDeeds[below(3)];
    auto op = new_op(
        is_right ? (order.is_held ? of_hold : Deed::kCancel) : kDeeds[below(kDeeds.size())], "");
    op.order = order.number;
    if (op.deed == Deed::kExtend) op.ttl_ms = 1 + static_cast<std::int64_t>(below(1000));
    if (op.deed == Deed::kConfirm) op.quantity = below(plan_.quantity_max + 1);
    if (op.deed != Deed::kCancel) return op;
    op.restocks = below(4) != 0;
    if (below(2) == 0) {
        op.quantity = below(3);
    } else if (!order.serials.empty()) {
        op.serials = {order.serials[below(order.serials.size())]};
    }
    return op;
}

// Until it is answered, most of the time; always as a whole.
void Customer::ask_atomic() {
    std::vector<Op> ops;
    for (auto left = 2 + below(3); left > 0; --left) {
        auto op = keyed_purchase(below(2) == 0 ? few_ : plan_.event);
        if (below(2) == 0) {
            op.deed = Deed::kHold;
            op.ttl_ms = 1 + static_cast<std::int64_t>(below(500));
        }
        ops.push_back(std::move(op));
    }
    while (client_.problems().empty() && client_.reach_daemon()) {
        const auto answers = client_.ask_atomic(ops);
        for (const auto& op : answers)
            note(op);
        if (is_answered(answers.front())) {
            answered_ += answers.size();
            return;
        }
        if (below(4) == 0) return;
    }
}

// Some are left in doubt for ever, some are abandoned.
void Customer::settle_or_leave(const Op& op) {
    asked_.push_back(op);
    if (asked_.size() > kRemembered) asked_.erase(asked_.begin());
    if (below(4) != 0) {
        settle(op);
        return;
    }
    ask(op);
    if (below(2) == 0) return;
    auto abandon = new_op(Deed::kAbandon, "");
    abandon.key = op.key;
    settle(abandon);
    auto look_up = new_op(Deed::kOrder, "");
    look_up.key = op.key;
    if (client_.reach_daemon()) ask(look_up);
    if (below(4) == 0 && client_.reach_daemon()) ask(op);
}

void Customer::mix() {
    if (!client_.reach_daemon()) return;
    const auto& event = below(3) == 0 ? few_ : plan_.event;
    const auto what = below(100);
    if (what < 30) return settle_or_leave(perhaps_waiting(keyed_purchase(event)));
    if (what < 37) return hold(event);
    if (what < 45) return use_slots();
    if (what < 56) return change_order();
    if (what < 58) return ask_atomic();
    if (what < 60) {  // perhaps for less, perhaps with a memo
        auto op = keyed_purchase(event);
        op.min_quantity = 1 + below(op.quantity);
        op.memo = std::string(below(200), 'm');
        return settle_or_leave(perhaps_waiting(std::move(op)));
    }
    if (what < 62) {  // more than "few" ever has
        auto op = keyed_purchase(event);
        op.quantity = op.min_quantity = 5000;
        return settle_or_leave(perhaps_waiting(std::move(op)));
    }
    if (what < 66) return ask(perhaps_waiting(purchase(event)));
    if (what < 75) return ask(new_op(Deed::kQuery, event));
    if (what < 78) return ask(new_op(Deed::kEvents, ""));
    if (what < 82) {
        auto op = new_op(Deed::kOrder, "");
        if (!asked_.empty()) op.key = asked_[below(asked_.size())].key;
        return op.key.empty() ? void() : ask(op);
    }
    if (what < 88) return ask_again(false);
    if (what < 90) return ask_again(true);
    if (what < 94) {
        const auto [first, second] = client_.ask_twice(perhaps_waiting(keyed_purchase(event)));
        answered_ += (is_answered(first) ? 1U : 0U) + (is_answered(second) ? 1U : 0U);
        return;
    }
    if (what < 98 || !plan_.is_operator) return ask_batch();
    resize();
}

void Customer::ask_batch() {
    std::vector<Op> ops;
    for (auto left = 2 + below(7); left > 0; --left) {
        switch (below(3)) {
            case 0: ops.push_back(keyed_purchase(plan_.event)); break;
            case 1: ops.push_back(purchase(few_)); break;
            default: ops.push_back(new_op(Deed::kQuery, few_));
        }
    }
    for (const auto& op : client_.ask_all(std::move(ops)))
        answered_ += is_answered(op) ? 1U : 0U;
}

// The same request once more, which does not always wait again, or another with its key.
void Customer::ask_again(bool changed) {
    if (asked_.empty()) return;
    auto op = asked_[below(asked_.size())];
    const auto change = std::find_if(asked_.rbegin(), asked_.rend(),
                                     [](const Op& asked) { return changes_order(asked.deed); });
    if (below(3) == 0 && change != asked_.rend()) op = *change;
    if (changed) op.memo += "x";
    if (below(2) == 0) op.wait_ms = 0;
    ask(op);
}

void Customer::fill() {
    std::vector<Op> ops;
    for (std::size_t i = 0; i < kFillBatch; ++i) {
        auto op = keyed_purchase(plan_.event);
        op.key.resize(kKeyBytes, '-');
        op.memo.assign(kMemoBytes, 'm');
        ops.push_back(std::move(op));
    }
    while (client_.problems().empty() && client_.reach_daemon()) {
        const auto answers = client_.ask_all(ops);
        if (std::all_of(answers.begin(), answers.end(), is_answered)) {
            answered_ += answers.size();
            return;
        }
    }
}

}  // namespace ticketd::testing
