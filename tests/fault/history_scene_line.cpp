// The part of history_scene.h about the line: nobody passes anybody.
#include <algorithm>

#include "tests/fault/history_model.h"
#include "tests/fault/history_scene.h"

namespace ticketd::testing {

std::size_t Scene::wait(const std::string& event, std::uint64_t quantity, std::int64_t wait_ms,
                        const std::string& key) {
    auto op = new_op(Deed::kPurchase, event);
    op.uid = 7;
    op.quantity = op.min_quantity = quantity;
    op.wait_ms = wait_ms;
    op.key = key;
    return perform(op);
}

bool Scene::has_line(const std::string& event) const {
    return std::any_of(line_.begin(), line_.end(), [&](const Waiter& waiter) {
        return history.ops[waiter.front()].event == event;
    });
}

std::optional<std::size_t> Scene::place_of_key(const Op& op) const {
    for (std::size_t place = 0; place < line_.size() && !op.key.empty(); ++place) {
        const auto& waiting = history.ops[line_[place].front()];
        if (waiting.key == op.key && waiting.uid == op.uid) return place;
    }
    return std::nullopt;
}

void Scene::stand_in_line(Op& op) {
    op.answer = Answer::kUnknown;
    op.ended_ns = kNever;
    line_.push_back({op.number});
}

void Scene::serve_line() {
    while (serve_one()) {
    }
}

// What can never be had is told first; else only who is at the head of a line is served.
bool Scene::serve_one() {
    std::vector<std::string> passed;
    for (std::size_t place = 0; place < line_.size(); ++place) {
        auto op = history.ops[line_[place].front()];
        const auto why_not = shortage_of(op, false);
        const bool is_head = std::find(passed.begin(), passed.end(), op.event) == passed.end();
        passed.push_back(op.event);
        if (why_not == "never_satisfiable") {
            refuse(op, why_not);
            op.told.requested = op.min_quantity;
            refuse_for_stock(op, entries[last_change_[op.event]]);
        } else if (why_not.empty() && is_head) {
            op.answer = Answer::kOk;
            make_order(op);
        } else {
            continue;
        }
        answer_waiter(place, op);
        return true;
    }
    return false;
}

void Scene::time_out(std::size_t index) {
    constexpr std::int64_t kNsPerMs = 1'000'000;
    const auto of_index = [index](const Waiter& waiter) {
        return std::find(waiter.begin(), waiter.end(), index) != waiter.end();
    };
    const auto found = std::find_if(line_.begin(), line_.end(), of_index);
    for (const auto asker : *found)
        now_ns = std::max(now_ns, op(asker).invoked_ns + op(asker).wait_ms * kNsPerMs);
    auto refused = op(found->front());
    refuse(refused, "wait_timeout");
    refused.told.requested = refused.min_quantity;
    refuse_for_stock(refused, entries[last_change_[refused.event]]);
    answer_waiter(static_cast<std::size_t>(found - line_.begin()), refused);
    serve_line();
}

void Scene::answer_waiter(std::size_t place, const Op& decided) {
    const auto waiter = line_[place];
    line_.erase(line_.begin() + static_cast<std::ptrdiff_t>(place));
    for (const auto index : waiter) {
        op(index).answer = decided.answer;
        op(index).told = decided.told;
        op(index).ended_ns = ++now_ns;
    }
    const auto key = scoped_key(decided.uid, decided.key);
    if (decided.key.empty() || decided.deed == Deed::kAbandon) return;
    if (decided.answer == Answer::kOk) {
        done_[key] = decided;
    } else {
        refused_[key] = {decided, decided.told};
    }
}

}  // namespace ticketd::testing
