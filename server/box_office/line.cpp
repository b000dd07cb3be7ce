#include "server/box_office/line.h"

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

std::optional<Line::Place> Line::next(std::uint64_t available, LinePolicy policy) const {
    for (const auto& [place, waiting] : waiting_) {
        if (!waiting.is_present) continue;
        if (waiting.least <= available) return place;
        if (blocks(waiting, policy)) return std::nullopt;
    }
    return std::nullopt;
}

std::optional<Line::Place> Line::blocker(std::uint64_t available, LinePolicy policy) const {
    for (const auto& [place, waiting] : waiting_) {
        if (!waiting.is_present) continue;
        if (waiting.least <= available) return std::nullopt;
        if (blocks(waiting, policy)) return place;
    }
    return std::nullopt;
}

}  // namespace ticketd::box_office
