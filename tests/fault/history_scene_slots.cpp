// The part of history_scene.h about events that use their numbers again.
#include "tests/fault/history_scene.h"

namespace ticketd::testing {

std::vector<std::uint64_t> Scene::take_lowest_slots(const std::string& event, std::uint64_t count) {
    auto& taken = slots_.at(event);
    std::vector<std::uint64_t> lowest;
    for (std::uint64_t number = 1; lowest.size() < count; ++number) {
        if (taken.insert(number).second) lowest.push_back(number);
    }
    return lowest;
}

// A hold keeps the lowest of its numbers when it is confirmed; what is kept of none returns.
void Scene::keep_slots(RawEntry& entry, const RawEntry& first) {
    const auto& event = names_[first.event];
    if (!uses_slots(event) || entry.type == RawType::kExtended) return;
    auto& taken = slots_.at(event);
    const bool was_held = entry.type != RawType::kCancelled;
    for (const auto number : was_held ? first.tickets : entry.returned)
        taken.erase(number);
    if (entry.type != RawType::kConfirmed) return;
    const auto kept = first.tickets.begin() + static_cast<std::ptrdiff_t>(entry.granted);
    entry.tickets.assign(first.tickets.begin(), kept);
    taken.insert(entry.tickets.begin(), entry.tickets.end());
}

}  // namespace ticketd::testing
