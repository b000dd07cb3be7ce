#include "server/box_office/rules.h"

#include <tuple>

#include "common/limits.h"

namespace ticketd::box_office {
namespace {

using Outcome = std::variant<Rules, ErrorKind>;

Rules in_state(Rules rules, SaleState state) {
    rules.state = state;
    return rules;
}

struct Decision {
    const Rules& rules;
    std::int64_t now_ms;

    Outcome operator()(const Pause&) const {
        if (closed_door(rules, now_ms) == ErrorKind::kClosed) return ErrorKind::kWrongState;
        return in_state(rules, SaleState::kPaused);
    }
    Outcome operator()(const Resume&) const { return in_state(rules, SaleState::kOpen); }
    Outcome operator()(const Close&) const { return in_state(rules, SaleState::kClosed); }
    Outcome operator()(const Update& change) const {
        const auto& [window, terms] = std::tie(rules.window, rules.terms);
        auto after = rules;
        after.window = {change.opens_ms.value_or(window.opens_ms),
                        change.closes_ms.value_or(window.closes_ms)};
        after.terms.line = change.line.value_or(terms.line);
        after.terms.closes_when_sold_out =
            change.closes_when_sold_out.value_or(terms.closes_when_sold_out);
        after.terms.order_limit = change.order_limit.value_or(terms.order_limit);
        after.terms.buyer_limit = change.buyer_limit.value_or(terms.buyer_limit);
        if (!is_sound(after)) return ErrorKind::kInvalidParams;
        return after;
    }
};

}  // namespace

bool is_sound(const Rules& rules) {
    const auto& [opens, closes] = rules.window;
    return rules.state >= SaleState::kOpen && rules.state <= SaleState::kClosed && opens >= 0 &&
           closes >= 0 && (closes == 0 || opens < closes) && rules.terms.line <= LinePolicy::kFit &&
           rules.terms.order_limit <= limits::kQuantity &&
           rules.terms.buyer_limit <= limits::kBuyerLimit;
}

std::uint64_t most_capacity(const Terms& terms) {
    return terms.reuses_numbers ? limits::kSlots : limits::kCapacity;
}

std::optional<ErrorKind> closed_door(const Rules& rules, std::int64_t now_ms) {
    const auto& [opens, closes] = rules.window;
    const bool is_over = closes != 0 && now_ms >= closes;
    if (rules.state == SaleState::kClosed || is_over) return ErrorKind::kClosed;
    if (rules.state == SaleState::kPaused) return ErrorKind::kPaused;
    if (now_ms < opens) return ErrorKind::kNotOpen;
    return std::nullopt;
}

std::optional<std::int64_t> next_door_ms(const Rules& rules, std::int64_t now_ms) {
    const auto& [opens, closes] = rules.window;
    if (rules.state == SaleState::kClosed) return std::nullopt;
    if (closed_door(rules, now_ms) == ErrorKind::kNotOpen) return opens;
    return now_ms < closes ? std::optional{closes} : std::nullopt;
}

std::variant<Rules, ErrorKind> decide(const Rules& rules, const RulesChange& change,
                                      std::int64_t now_ms) {
    return std::visit(Decision{rules, now_ms}, change);
}

}  // namespace ticketd::box_office
