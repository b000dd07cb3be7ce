#include "server/net/waiting_room.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/limits.h"

namespace ticketd::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::string_view kStops = "the daemon stops";

}  // namespace

// A no that may become a yes.
bool WaitingRoom::is_passing(const store::ChangeResult& result) {
    const auto* refused = std::get_if<store::Refused>(&result);
    return refused != nullptr && !refused->replayed && box_office::may_pass(refused->refusal.kind);
}

std::optional<store::ChangeResult> WaitingRoom::settled(const Request& request) {
    return std::visit([this](const auto& asked) { return store_.settled(asked); }, request);
}

bool WaitingRoom::admit(Request request, const Caller& caller, milliseconds wait,
                        const Responder& responder, Tell tell) {
    if (attach(request, caller, wait, responder, tell)) return true;
    const auto& order = *order_of(request);
    const auto event = order.event;
    if (std::holds_alternative<store::LockHeld>(store_.query(event))) return false;
    const bool can_wait = wait.count() > 0;
    auto& queue = queues_[event];
    const auto place = queue.line.join(order.terms.min_quantity);
    const auto result = store_.ask(request, {whose_turn(event, queue) != place, can_wait});
    const bool is_to_wait = can_wait && is_passing(result);
    const auto obstacle = is_to_wait ? why_not(order.uid) : std::nullopt;
    if (is_to_wait && !obstacle) {
        const auto deadline = steady_clock::now() + wait;
        look_when_door_moves(event, queue);
        if (queue.waiters.empty()) to_look_at_.insert(event);
        if (!order.key.empty()) by_key_[{order.uid, order.key}] = {event, place};
        deadlines_.emplace(deadline, event, place);
        asked_by_.emplace(caller.connection, event, place);
        ++waiting_of_[order.uid];
        queue.by_buyer[buyer_of(request)].emplace(order.terms.min_quantity, place);
        queue.waiters.emplace(
            place,
            Waiter{std::move(request), std::move(tell), {{caller, responder}}, deadline, {}});
        arm();
        return true;
    }
    leave(queue, place, result);
    if (queue.line.empty()) forget(queues_.find(event));
    if (std::holds_alternative<store::LockHeld>(result)) return false;
    if (obstacle) {
        responder.error(0, ErrorKind::kBusy, *obstacle);
    } else {
        tell(result, caller, responder, true);
    }
    return true;
}

// Why nobody else of this user can wait, if so.
std::optional<std::string_view> WaitingRoom::why_not(UserId uid) const {
    if (is_closed_) return kStops;
    const auto of_uid = waiting_of_.find(uid);
    const bool has_share = of_uid != waiting_of_.end() && of_uid->second >= limits::kWaitingPerUid;
    if (has_share || waiting() >= limits::kWaiting) return "as many wait in line as may";
    return std::nullopt;
}

bool WaitingRoom::is_behind(EventId event, std::uint64_t least) {
    const auto found = queues_.find(event);
    if (found == queues_.end()) return false;
    auto& queue = found->second;
    const auto place = queue.line.join(least);
    const bool is_behind = whose_turn(event, queue) != place;
    queue.line.leave(place);
    return is_behind;
}

store::Lines WaitingRoom::lines_of(const std::set<EventId>& events) {
    store::Lines lines;
    for (const auto event : events) {
        const auto found = queues_.find(event);
        if (found == queues_.end()) continue;
        serve(event, found->second);
        lines.emplace(event, found->second.line);
    }
    return lines;
}

void WaitingRoom::set_lines(store::Lines lines) {
    for (auto& [event, line] : lines)
        queues_.at(event).line = std::move(line);
}

void WaitingRoom::settle(UserId uid, const std::string& key) {
    const auto known = by_key_.find({uid, key});
    if (known == by_key_.end()) return;
    const auto [event, place] = known->second;
    auto& queue = queues_.at(event);
    if (const auto result = settled(queue.waiters.at(place).request)) {
        finish(event, queue, place, *result);
    }
}

// To the request with this key that waits already, if there is one.
bool WaitingRoom::attach(const Request& request, const Caller& caller, milliseconds wait,
                         const Responder& responder, const Tell& tell) {
    const auto& order = *order_of(request);
    if (!order.key.empty()) settle(order.uid, order.key);
    const auto known = order.key.empty() ? by_key_.end() : by_key_.find({order.uid, order.key});
    if (known == by_key_.end()) return false;
    const auto [event, place] = known->second;
    auto& queue = queues_.at(event);
    auto& waiter = queue.waiters.at(place);
    if (image_of(request) != image_of(waiter.request)) {
        tell(store::Refused{{ErrorKind::kKeyMismatch}}, caller, responder, true);
        return true;
    }
    if (waiter.askers.size() >= limits::kAskers) {
        responder.error(0, ErrorKind::kBusy, "the request waits already, for as many as may ask");
        return true;
    }
    waiter.askers.push_back({caller, responder});
    asked_by_.emplace(caller.connection, event, place);
    waiter.away_since.reset();
    queue.line.set_present(place, true);
    to_look_at_.insert(event);
    deadlines_.erase({waiter.deadline, event, place});
    waiter.deadline = std::max(waiter.deadline, steady_clock::now() + wait);
    deadlines_.emplace(waiter.deadline, event, place);
    on_change_();
    return true;
}

void WaitingRoom::note(const store::Entry& entry) {
    if (!concerns_event(entry.type)) return;
    const auto found = queues_.find(entry.event);
    if (found == queues_.end()) return;
    to_look_at_.insert(entry.event);
    if (!begins_order(entry.type)) return;
    const auto& state = store_.state();
    if (state.event(entry.event).rules.terms.buyer_limit == 0) return;
    found->second.have_more.insert(state.buyer(entry.uid, entry.buyer));
}

box_office::BuyerId WaitingRoom::buyer_of(const Request& request) const {
    const auto& order = *order_of(request);
    return store_.state().buyer(order.uid, order.buyer);
}

void WaitingRoom::leave(Queue& queue, Place place, const store::ChangeResult& result) {
    if (std::holds_alternative<store::Changed>(result)) {
        queue.line.served(place);
    } else {
        queue.line.leave(place);
    }
}

void WaitingRoom::finish(EventId event, Queue& queue, Place place,
                         const store::ChangeResult& result) {
    leave(queue, place, result);
    const auto waiter = remove(event, queue, place);
    const auto& askers = waiter.askers;
    auto last = std::find_if(askers.rbegin(), askers.rend(),
                             [](const Asker& asker) { return asker.responder.is_connected(); });
    if (last == askers.rend()) last = askers.rbegin();
    for (const auto& asker : askers)
        waiter.tell(result, asker.caller, asker.responder, &asker == &*last);
}

// Precondition: it has left the line. What is available may be for those behind now.
WaitingRoom::Waiter WaitingRoom::remove(EventId event, Queue& queue, Place place) {
    auto waiter = std::move(queue.waiters.extract(place).mapped());
    to_look_at_.insert(event);
    forget_askers(event, place, waiter);
    deadlines_.erase({waiter.deadline, event, place});
    const auto& order = *order_of(waiter.request);
    const auto of_buyer = queue.by_buyer.find(buyer_of(waiter.request));
    of_buyer->second.erase({order.terms.min_quantity, place});
    if (of_buyer->second.empty()) queue.by_buyer.erase(of_buyer);
    const auto of_uid = waiting_of_.find(order.uid);
    if (--of_uid->second == 0) waiting_of_.erase(of_uid);
    if (!order.key.empty()) by_key_.erase({order.uid, order.key});
    return waiter;
}

void WaitingRoom::look_again() {
    while (!queues_.empty() && queues_.rbegin()->first >= store_.state().events().size()) {
        auto& [event, queue] = *queues_.rbegin();
        while (!queue.waiters.empty()) {
            for (const auto& asker : remove(event, queue, queue.waiters.begin()->first).askers)
                asker.responder.error(0, ErrorKind::kStorageFull, kNoSpace);
        }
        forget(std::prev(queues_.end()));
    }
    for (const auto& [event, queue] : queues_)
        to_look_at_.insert(event);
}

void WaitingRoom::forget(Queues::iterator queue) {
    look_at(queue->first, queue->second, {});
    to_look_at_.erase(queue->first);
    queues_.erase(queue);
}

void WaitingRoom::close() {
    is_closed_ = true;
    for (auto& [event, queue] : queues_) {
        for (auto& [place, waiter] : queue.waiters) {
            for (const auto& asker : waiter.askers)
                asker.responder.error(0, ErrorKind::kBusy, kStops);
        }
    }
    asked_by_.clear();
    queues_.clear();
    to_look_at_.clear();
    next_looks_.clear();
    by_key_.clear();
    deadlines_.clear();
    waiting_of_.clear();
    timer_.cancel();
}

}  // namespace ticketd::net
