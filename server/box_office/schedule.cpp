#include "server/box_office/schedule.h"

namespace ticketd::box_office {
namespace {

using Outcome = std::variant<Schedule, ErrorKind>;

Schedule in_state(Schedule schedule, SaleState state) {
    schedule.state = state;
    return schedule;
}

struct Decision {
    const Schedule& schedule;

    Outcome operator()(const Pause&) const {
        if (schedule.state == SaleState::kClosed) return ErrorKind::kWrongState;
        return in_state(schedule, SaleState::kPaused);
    }
    Outcome operator()(const Resume&) const { return in_state(schedule, SaleState::kOpen); }
    Outcome operator()(const Close&) const { return in_state(schedule, SaleState::kClosed); }
    Outcome operator()(const SetWindow& change) const {
        const Schedule after{schedule.state,
                             {change.opens_ms.value_or(schedule.window.opens_ms),
                              change.closes_ms.value_or(schedule.window.closes_ms)}};
        if (!is_sound(after)) return ErrorKind::kInvalidParams;
        return after;
    }
};

}  // namespace

bool is_sound(const Schedule& schedule) {
    const auto& [opens, closes] = schedule.window;
    return schedule.state >= SaleState::kOpen && schedule.state <= SaleState::kClosed &&
           opens >= 0 && closes >= 0 && (closes == 0 || opens < closes);
}

std::optional<ErrorKind> closed_door(const Schedule& schedule, std::int64_t now_ms) {
    const auto& [opens, closes] = schedule.window;
    const bool is_over = closes != 0 && now_ms >= closes;
    if (schedule.state == SaleState::kClosed || is_over) return ErrorKind::kClosed;
    if (schedule.state == SaleState::kPaused) return ErrorKind::kPaused;
    if (now_ms < opens) return ErrorKind::kNotOpen;
    return std::nullopt;
}

std::variant<Schedule, ErrorKind> decide(const Schedule& schedule, const ScheduleChange& change) {
    return std::visit(Decision{schedule}, change);
}

}  // namespace ticketd::box_office
