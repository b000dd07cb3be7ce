#include "tests/fault/history_slots.h"

#include <algorithm>

namespace ticketd::testing {

bool has_slots(const RawEntry& rules) {
    constexpr std::uint64_t kUsesNumbersAgain = std::uint64_t{8} << 32U;
    return (rules.terms & kUsesNumbersAgain) != 0;
}

std::optional<std::string> problem_with_new_slots(const RawEntry& entry, const Slots& taken) {
    if (entry.first_serial != 0) return "serials where there are slots";
    if (entry.tickets.size() != entry.granted) return "another number of slots than was granted";
    std::vector<std::uint64_t> lowest;
    for (std::uint64_t number = 1; lowest.size() < entry.granted; ++number) {
        if (!taken.contains(number)) lowest.push_back(number);
    }
    if (entry.tickets == lowest) return std::nullopt;
    for (const auto number : entry.tickets) {
        if (taken.contains(number)) return "a slot that somebody else has";
        if (number > entry.capacity) return "a slot beyond the capacity";
    }
    return "not the lowest slots that were free";
}

std::optional<std::string> problem_with_kept_slots(const RawEntry& entry,
                                                   const std::vector<std::uint64_t>& held) {
    if (entry.first_serial != 0) return "serials where there are slots";
    if (entry.tickets.size() != entry.granted || entry.granted > held.size()) {
        return "another number of slots than was confirmed";
    }
    const bool are_lowest = std::equal(entry.tickets.begin(), entry.tickets.end(), held.begin());
    if (!are_lowest) return "not the lowest slots of the hold";
    return std::nullopt;
}

}  // namespace ticketd::testing
