#include "server/store/deadlines.h"

namespace ticketd::store {

std::optional<Deadlines::Deadline> Deadlines::find(Lsn order) const {
    const auto found = deadlines_.find(order);
    return found == deadlines_.end() ? std::nullopt : std::optional{found->second};
}

void Deadlines::set(Lsn order, const std::optional<Deadline>& deadline) {
    const auto before = find(order);
    if (before) erase(order, *before);
    if (!deadline) return;
    deadlines_.emplace(order, *deadline);
    auto& of_event = by_event_[deadline->event];
    if (!of_event.empty()) next_of_events_.erase({of_event.begin()->first, deadline->event});
    of_event.emplace(deadline->at, order);
    next_of_events_.emplace(of_event.begin()->first, deadline->event);
}

void Deadlines::erase(Lsn order, const Deadline& deadline) {
    auto& of_event = by_event_.at(deadline.event);
    next_of_events_.erase({of_event.begin()->first, deadline.event});
    of_event.erase({deadline.at, order});
    if (of_event.empty()) {
        by_event_.erase(deadline.event);
    } else {
        next_of_events_.emplace(of_event.begin()->first, deadline.event);
    }
    deadlines_.erase(order);
}

std::optional<Deadlines::Time> Deadlines::next_of(EventId event) const {
    const auto found = by_event_.find(event);
    if (found == by_event_.end()) return std::nullopt;
    return found->second.begin()->first;
}

std::optional<Deadlines::Time> Deadlines::next() const {
    if (next_of_events_.empty()) return std::nullopt;
    return next_of_events_.begin()->first;
}

std::optional<Deadlines::Due> Deadlines::first_due(EventId event, Time now) const {
    const auto next = next_of(event);
    if (!next || *next > now) return std::nullopt;
    const auto order = by_event_.at(event).begin()->second;
    return Due{order, deadlines_.at(order).why};
}

std::vector<EventId> Deadlines::due(Time now) const {
    std::vector<EventId> events;
    for (auto at = next_of_events_.begin(); at != next_of_events_.end() && at->first <= now; ++at)
        events.push_back(at->second);
    return events;
}

}  // namespace ticketd::store
