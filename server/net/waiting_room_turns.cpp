// The waiting room's part of turns: whose it is, and who waits for what cannot be had any more.
#include <utility>

#include "common/limits.h"
#include "server/net/waiting_room.h"

namespace ticketd::net {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

void WaitingRoom::serve() {
    if (queues_.empty()) return;
    const store::OneInstant instant{store_};
    const auto now = steady_clock::now();
    end_overdue(now);
    if (now - looked_for_absent_ >= milliseconds{limits::kSweepMs}) look_for_absent(now);
    while (!next_looks_.empty() && next_looks_.begin()->first <= now) {
        const auto event = next_looks_.begin()->second;
        look_at(event, queues_.at(event), {});
        to_look_at_.insert(event);
    }
    for (const auto event : std::exchange(to_look_at_, {})) {
        const auto queue = queues_.find(event);
        if (queue == queues_.end()) continue;
        serve(event, queue->second);
        if (queue->second.line.empty()) forget(queue);
    }
    arm();
}

void WaitingRoom::serve(EventId event) {
    const auto found = queues_.find(event);
    if (found != queues_.end()) serve(event, found->second);
}

bool WaitingRoom::serve(EventId event, Queue& queue) {
    for (;;) {
        if (std::holds_alternative<store::LockHeld>(store_.query(event)) ||
            store_.is_backlogged()) {
            to_look_at_.insert(event);
            return false;
        }
        settle_all(event, queue);
        settle_limited(event, queue);
        const auto place = whose_turn(event, queue);
        if (!place) break;
        const auto result = store_.ask(queue.waiters.at(*place).request, {false, true});
        if (std::holds_alternative<store::LockHeld>(result)) continue;
        if (is_passing(result)) break;
        finish(event, queue, *place, result);
    }
    // Else it is to be forgotten.
    if (!queue.line.empty()) to_look_at_.erase(event);
    look_when_door_moves(event, queue);
    return true;
}

// When the rules have changed, the capacity or the time of sale: who waits for what cannot be had
// any more is told.
void WaitingRoom::settle_all(EventId event, Queue& queue) {
    auto now = prospects(event);
    if (queue.prospects == now) return;
    queue.prospects = std::move(now);
    std::vector<std::pair<Place, store::ChangeResult>> results;
    for (const auto& [place, waiter] : queue.waiters) {
        if (auto result = settled(waiter.request)) results.emplace_back(place, *result);
    }
    for (const auto& [place, result] : results)
        finish(event, queue, place, result);
}

// Whoever has bought since may have reached the limit of one buyer.
void WaitingRoom::settle_limited(EventId event, Queue& queue) {
    for (const auto& buyer : std::exchange(queue.have_more, {})) {
        for (;;) {
            const auto waiting = queue.by_buyer.find(buyer);
            if (waiting == queue.by_buyer.end()) break;
            const auto place = waiting->second.rbegin()->second;
            const auto result = settled(queue.waiters.at(place).request);
            if (!result) break;
            finish(event, queue, place, *result);
        }
    }
}

// Those who turn out not to be there, or to wait in vain, keep nobody from a turn.
std::optional<WaitingRoom::Place> WaitingRoom::whose_turn(EventId event, Queue& queue) {
    const auto& [name, stock, rules, slots] = store_.state().event(event);
    for (;;) {
        const auto turn = queue.line.next(stock.available(), rules.terms.line);
        const auto decisive = turn ? turn : queue.line.blocker(stock.available(), rules.terms.line);
        const auto found = decisive ? queue.waiters.find(*decisive) : queue.waiters.end();
        if (found == queue.waiters.end()) return turn;
        if (!is_there(event, queue, found->first, found->second)) continue;
        const auto result = turn ? std::nullopt : settled(found->second.request);
        if (!result) return turn;
        finish(event, queue, *decisive, *result);
    }
}

WaitingRoom::Prospects WaitingRoom::prospects(EventId event) const {
    const auto& [name, stock, rules, slots] = store_.state().event(event);
    return {rules, stock.capacity, closed_door(rules, store_.now_ms())};
}

}  // namespace ticketd::net
