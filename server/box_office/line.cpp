#include "server/box_office/line.h"

#include <algorithm>

#include "common/check.h"

namespace ticketd::box_office {

Line::Place Line::join(std::uint64_t least) {
    waiting_.emplace(++last_, Waiting{least, 0, true});
    return last_;
}

void Line::leave(Place place) {
    const bool was_there = waiting_.erase(place) == 1;
    TICKETD_CHECK(was_there);
}

void Line::served(Place place) {
    for (auto& [ahead, waiting] : waiting_) {
        if (ahead == place) break;
        if (waiting.is_present) ++waiting.passes;
    }
    leave(place);
}

void Line::set_present(Place place, bool is_present) {
    waiting_.at(place).is_present = is_present;
}

Line::People::const_iterator Line::decisive(std::uint64_t available, LinePolicy policy) const {
    return std::find_if(waiting_.begin(), waiting_.end(), [&](const auto& person) {
        const auto& [least, passes, is_present] = person.second;
        const bool is_passed = policy == LinePolicy::kFit && passes < kPassesMax;
        return is_present && (least <= available || !is_passed);
    });
}

std::optional<Line::Place> Line::next(std::uint64_t available, LinePolicy policy) const {
    const auto found = decisive(available, policy);
    if (found == waiting_.end() || found->second.least > available) return std::nullopt;
    return found->first;
}

std::optional<Line::Place> Line::blocker(std::uint64_t available, LinePolicy policy) const {
    const auto found = decisive(available, policy);
    if (found == waiting_.end() || found->second.least <= available) return std::nullopt;
    return found->first;
}

}  // namespace ticketd::box_office
