// The waiting room's part of time: who waits no longer, who is there no longer, and when to look
// again.
#include <algorithm>
#include <utility>

#include "common/limits.h"
#include "server/net/waiting_room.h"

namespace ticketd::net {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// When the event will open or close by itself.
void WaitingRoom::look_when_door_moves(EventId event, Queue& queue) {
    const auto now_ms = store_.now_ms();
    const auto next = next_door_ms(store_.state().event(event).rules, now_ms);
    if (!next) return look_at(event, queue, {});
    // No later than any wait ends, so that no date is too far off for a timer.
    const milliseconds left{std::min(*next - now_ms, limits::kWaitMsMax)};
    look_at(event, queue, steady_clock::now() + left);
}

void WaitingRoom::look_at(EventId event, Queue& queue, std::optional<Time> when) {
    if (queue.next_look) next_looks_.erase({*queue.next_look, event});
    queue.next_look = when;
    if (when) next_looks_.emplace(*when, event);
}

// Who has waited long enough gets what there is at the end, like everybody else. What that is
// nobody knows while nobody can be served.
void WaitingRoom::end_overdue(Time now) {
    std::set<EventId> events, locked;
    for (const auto& [deadline, event, place] : deadlines_) {
        if (deadline > now) break;
        events.insert(event);
    }
    for (const auto event : events) {
        if (!serve(event, queues_.at(event))) locked.insert(event);
    }
    while (!deadlines_.empty() && std::get<Time>(*deadlines_.begin()) <= now) {
        const auto [deadline, event, place] = *deadlines_.begin();
        auto& queue = queues_.at(event);
        const auto& request = queue.waiters.at(place).request;
        auto result = settled(request);
        if (!result && locked.contains(event)) result = store::Refused{{ErrorKind::kBusy}};
        const auto give_up = [this](const auto& asked) { return store_.give_up(asked); };
        finish(event, queue, place, result ? *result : std::visit(give_up, request));
    }
}

// True if anybody who asked can still read the answer; else it holds nobody up from now on.
bool WaitingRoom::is_there(EventId event, Queue& queue, Place place, Waiter& waiter) {
    const auto& askers = waiter.askers;
    if (std::any_of(askers.rbegin(), askers.rend(),
                    [](const Asker& asker) { return asker.responder.is_connected(); }))
        return true;
    forget_askers(event, place, waiter);
    for (const auto& asker : std::exchange(waiter.askers, {}))
        asker.responder.error(0, ErrorKind::kBusy, "gone");
    if (!waiter.away_since) waiter.away_since = steady_clock::now();
    queue.line.set_present(place, false);
    to_look_at_.insert(event);
    return false;
}

void WaitingRoom::forget_askers(EventId event, Place place, const Waiter& waiter) {
    for (const auto& asker : waiter.askers)
        asked_by_.erase({asker.caller.connection, event, place});
}

void WaitingRoom::connection_ended(std::uint64_t connection) {
    std::vector<std::pair<EventId, Place>> asked;
    for (auto at = asked_by_.lower_bound({connection, 0, 0});
         at != asked_by_.end() && std::get<0>(*at) == connection; ++at)
        asked.emplace_back(std::get<EventId>(*at), std::get<2>(*at));
    for (const auto& [event, place] : asked) {
        auto& queue = queues_.at(event);
        if (!is_there(event, queue, place, queue.waiters.at(place))) on_change_();
    }
}

void WaitingRoom::look_for_absent(Time now) {
    looked_for_absent_ = now;
    std::vector<std::pair<EventId, Place>> lost;
    for (auto& [event, queue] : queues_) {
        // The time of day may have been set.
        if (queue.prospects != prospects(event)) to_look_at_.insert(event);
        for (auto& [place, waiter] : queue.waiters) {
            if (is_there(event, queue, place, waiter)) continue;
            const bool may_return = !key_of(waiter.request).empty() &&
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

void WaitingRoom::arm() {
    std::optional<Time> next;
    const auto note = [&next](Time time) {
        if (!next || time < *next) next = time;
    };
    if (!deadlines_.empty()) note(std::get<Time>(*deadlines_.begin()));
    if (!next_looks_.empty()) note(next_looks_.begin()->first);
    // What could not be served is tried again in each turn, and if none comes, a little later.
    if (!to_look_at_.empty()) note(steady_clock::now() + milliseconds{limits::kSweepMs});
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
