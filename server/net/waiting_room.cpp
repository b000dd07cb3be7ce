#include "server/net/waiting_room.h"

#include <algorithm>
#include <utility>

#include "common/limits.h"

namespace ticketd::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

const store::PurchaseRequest& order_of(const WaitingRoom::Request& request) {
    if (const auto* hold = std::get_if<store::HoldRequest>(&request)) return hold->order;
    return std::get<store::PurchaseRequest>(request);
}

store::ChangeResult ask(store::Store& store, const WaitingRoom::Request& request,
                        store::Turn turn) {
    if (const auto* hold = std::get_if<store::HoldRequest>(&request))
        return store.hold(*hold, turn);
    return store.purchase(std::get<store::PurchaseRequest>(request), turn);
}

std::string image(const WaitingRoom::Request& request) {
    return std::visit([](const auto& asked) { return image_of(asked); }, request);
}

// A no that may become a yes.
bool is_passing(const store::ChangeResult& result) {
    const auto* refused = std::get_if<store::Refused>(&result);
    return refused != nullptr && !refused->replayed && box_office::may_pass(refused->refusal.kind);
}

}  // namespace

bool WaitingRoom::admit(Request request, const Caller& caller, milliseconds wait,
                        const Responder& responder, Tell tell) {
    if (attach(request, caller, wait, responder, tell)) return true;
    const auto& order = order_of(request);
    const auto event = order.event;
    if (std::holds_alternative<store::LockHeld>(store_.query(event))) return false;
    const bool can_wait = wait.count() > 0;
    if (can_wait && waiting() >= limits::kWaiting) {
        tell(store::Refused{{ErrorKind::kBusy}}, caller, responder, true);
        return true;
    }
    auto& queue = queues_[event];
    const auto place = queue.line.join(order.terms.min_quantity);
    const auto result = ask(store_, request, {whose_turn(event, queue) != place, can_wait});
    if (can_wait && is_passing(result)) {
        const auto deadline = steady_clock::now() + wait;
        note_opening(queue, std::get<store::Refused>(result));
        if (!order.key.empty()) by_key_[{order.uid, order.key}] = {event, place};
        deadlines_.emplace(deadline, event, place);
        queue.waiters.emplace(
            place,
            Waiter{std::move(request), std::move(tell), {{caller, responder}}, deadline, {}});
        arm();
        return true;
    }
    if (std::holds_alternative<store::Changed>(result)) {
        queue.line.served(place);
    } else {
        queue.line.leave(place);
    }
    if (queue.line.empty()) queues_.erase(event);
    if (std::holds_alternative<store::LockHeld>(result)) return false;
    tell(result, caller, responder, true);
    return true;
}

// To the request with this key that waits already, if there is one.
bool WaitingRoom::attach(const Request& request, const Caller& caller, milliseconds wait,
                         const Responder& responder, const Tell& tell) {
    const auto& order = order_of(request);
    const auto known = order.key.empty() ? by_key_.end() : by_key_.find({order.uid, order.key});
    if (known == by_key_.end()) return false;
    const auto [event, place] = known->second;
    auto& queue = queues_.at(event);
    auto& waiter = queue.waiters.at(place);
    if (image(request) != image(waiter.request)) {
        tell(store::Refused{{ErrorKind::kKeyMismatch}}, caller, responder, true);
        return true;
    }
    waiter.askers.push_back({caller, responder});
    waiter.away_since.reset();
    queue.line.set_present(place, true);
    queue.seen = 0;
    deadlines_.erase({waiter.deadline, event, place});
    waiter.deadline = std::max(waiter.deadline, steady_clock::now() + wait);
    deadlines_.emplace(waiter.deadline, event, place);
    on_change_();
    return true;
}

void WaitingRoom::serve() {
    if (queues_.empty()) return;
    const auto now = steady_clock::now();
    end_overdue(now);
    if (now - looked_for_absent_ >= milliseconds{limits::kSweepMs}) look_for_absent(now);
    for (auto at = queues_.begin(); at != queues_.end();) {
        auto& [event, queue] = *at;
        const auto& [name, stock, rules, slots] = store_.state().event(event);
        // The time of day may have been set since the timer was.
        const bool is_opening =
            queue.opens && (*queue.opens <= now || !closed_door(rules, store_.now_ms()));
        if (is_opening || queue.seen != stock.lsn) serve(event, queue);
        at = queue.line.empty() ? queues_.erase(at) : std::next(at);
    }
    arm();
}

void WaitingRoom::serve(EventId event, Queue& queue) {
    queue.opens.reset();
    for (;;) {
        if (std::holds_alternative<store::LockHeld>(store_.query(event))) {
            // Another process has the lock: a little later, then.
            queue.opens = steady_clock::now() + milliseconds{limits::kSweepMs};
            return;
        }
        const auto place = whose_turn(event, queue);
        if (!place) break;
        const auto result = ask(store_, queue.waiters.at(*place).request, {false, true});
        if (std::holds_alternative<store::LockHeld>(result)) continue;
        if (is_passing(result)) {
            note_opening(queue, std::get<store::Refused>(result));
            break;
        }
        finish(event, queue, *place, result);
    }
    queue.seen = store_.state().event(event).stock.lsn;
}

// Those who turn out not to be there are passed over, and keep nobody from a turn.
std::optional<WaitingRoom::Place> WaitingRoom::whose_turn(EventId event, Queue& queue) {
    const auto& [name, stock, rules, slots] = store_.state().event(event);
    for (;;) {
        const auto turn = queue.line.next(stock.available(), rules.terms.line);
        const auto decisive = turn ? turn : queue.line.blocker(stock.available(), rules.terms.line);
        const auto found = decisive ? queue.waiters.find(*decisive) : queue.waiters.end();
        if (found == queue.waiters.end() || is_there(found->second)) return turn;
        queue.line.set_present(*decisive, false);
    }
}

// The only refusal that passes by itself at a known time.
void WaitingRoom::note_opening(Queue& queue, const store::Refused& refused) {
    if (refused.refusal.kind != ErrorKind::kNotOpen) return;
    queue.opens = steady_clock::now() + milliseconds{refused.refusal.wait_ms};
}

void WaitingRoom::end_overdue(Time now) {
    while (!deadlines_.empty() && std::get<Time>(*deadlines_.begin()) <= now) {
        const auto [deadline, event, place] = *deadlines_.begin();
        auto& queue = queues_.at(event);
        const auto& request = queue.waiters.at(place).request;
        const auto refused =
            std::visit([this](const auto& asked) { return store_.give_up(asked); }, request);
        finish(event, queue, place, refused);
    }
}

// True if anybody who asked can still read the answer.
bool WaitingRoom::is_there(Waiter& waiter) {
    std::erase_if(waiter.askers, [](const Asker& asker) {
        if (asker.responder.is_connected()) return false;
        asker.responder.error(0, ErrorKind::kBusy, "gone");
        return true;
    });
    if (!waiter.askers.empty()) return true;
    if (!waiter.away_since) waiter.away_since = steady_clock::now();
    return false;
}

void WaitingRoom::look_for_absent(Time now) {
    looked_for_absent_ = now;
    std::vector<std::pair<EventId, Place>> lost;
    for (auto& [event, queue] : queues_) {
        for (auto& [place, waiter] : queue.waiters) {
            if (is_there(waiter)) continue;
            queue.line.set_present(place, false);
            queue.seen = 0;
            const bool may_return = !order_of(waiter.request).key.empty() &&
                                    now - *waiter.away_since < milliseconds{limits::kLineGraceMs};
            if (!may_return) lost.emplace_back(event, place);
        }
    }
    for (const auto& [event, place] : lost) {
        auto& queue = queues_.at(event);
        queue.line.leave(place);
        remove(event, queue, place);
    }
}

void WaitingRoom::finish(EventId event, Queue& queue, Place place,
                         const store::ChangeResult& result) {
    if (std::holds_alternative<store::Changed>(result)) {
        queue.line.served(place);
    } else {
        queue.line.leave(place);
    }
    const auto waiter = remove(event, queue, place);
    for (const auto& asker : waiter.askers) {
        const bool is_last = &asker == &waiter.askers.back();
        waiter.tell(result, asker.caller, asker.responder, is_last);
    }
}

// Precondition: it has left the line.
WaitingRoom::Waiter WaitingRoom::remove(EventId event, Queue& queue, Place place) {
    auto waiter = std::move(queue.waiters.extract(place).mapped());
    deadlines_.erase({waiter.deadline, event, place});
    const auto& order = order_of(waiter.request);
    if (!order.key.empty()) by_key_.erase({order.uid, order.key});
    return waiter;
}

void WaitingRoom::look_again() {
    for (auto& [event, queue] : queues_)
        queue.seen = 0;
}

void WaitingRoom::give_up_all() {
    for (auto& [event, queue] : queues_) {
        for (auto& [place, waiter] : queue.waiters) {
            for (const auto& asker : waiter.askers)
                asker.responder.error(0, ErrorKind::kBusy, "the daemon stops");
        }
    }
    queues_.clear();
    by_key_.clear();
    deadlines_.clear();
    timer_.cancel();
}

void WaitingRoom::arm() {
    std::optional<Time> next;
    const auto note = [&next](Time time) {
        if (!next || time < *next) next = time;
    };
    if (!deadlines_.empty()) note(std::get<Time>(*deadlines_.begin()));
    for (const auto& [event, queue] : queues_) {
        if (queue.opens) note(*queue.opens);
    }
    if (next == armed_for_) return;
    armed_for_ = next;
    if (!next) return static_cast<void>(timer_.cancel());
    timer_.expires_at(*next);
    timer_.async_wait([this](const asio::error_code& cancelled) {
        if (cancelled) return;
        armed_for_.reset();
        on_change_();
    });
}

}  // namespace ticketd::net
