#include "server/box_office/rules.h"

#include <doctest/doctest.h>

#include <array>

#include "server/box_office/decide.h"

using namespace ticketd;
using namespace ticketd::box_office;

namespace {

constexpr Stock kTwoLeft{2, 0, 0, 1, 1};

using Door = std::optional<ErrorKind>;

std::variant<Rules, ErrorKind> changed_by(SaleState state, const RulesChange& change) {
    return decide(Rules{state, {100, 200}}, change, 0);
}

bool leads_to(SaleState from, const RulesChange& change, SaleState to) {
    return changed_by(from, change) == std::variant<Rules, ErrorKind>{Rules{to, {100, 200}}};
}

}  // namespace

TEST_CASE("a window includes when it opens and not when it closes") {
    const Rules rules{SaleState::kOpen, {100, 200}};
    CHECK(closed_door(rules, 0) == Door{ErrorKind::kNotOpen});
    CHECK(closed_door(rules, 99) == Door{ErrorKind::kNotOpen});
    CHECK(closed_door(rules, 100) == Door{});
    CHECK(closed_door(rules, 199) == Door{});
    CHECK(closed_door(rules, 200) == Door{ErrorKind::kClosed});
    CHECK(closed_door(Rules{}, INT64_MAX) == Door{});
    CHECK(closed_door({SaleState::kOpen, {0, 1}}, 0) == Door{});
    CHECK(closed_door({SaleState::kOpen, {5, 0}}, INT64_MAX) == Door{});
}

TEST_CASE("closed comes before paused, and that before a window that is not open yet") {
    CHECK(closed_door({SaleState::kClosed, {100, 200}}, 0) == Door{ErrorKind::kClosed});
    CHECK(closed_door({SaleState::kPaused, {100, 200}}, 0) == Door{ErrorKind::kPaused});
    CHECK(closed_door({SaleState::kPaused, {100, 200}}, 150) == Door{ErrorKind::kPaused});
    CHECK(closed_door({SaleState::kPaused, {100, 200}}, 200) == Door{ErrorKind::kClosed});
}

TEST_CASE("what will not pass is said before what will: a capacity before a closed door") {
    for (const auto state : {SaleState::kOpen, SaleState::kPaused}) {
        const Rules rules{state, {100, 200}};
        const auto too_many = std::get<Refusal>(decide(kTwoLeft, rules, Purchase{9, 9}, 40));
        CHECK(too_many.kind == ErrorKind::kNeverSatisfiable);
        auto limited = rules;
        limited.terms.order_limit = 1;
        const auto above = std::get<Refusal>(decide(kTwoLeft, limited, Purchase{9, 9}, 40));
        CHECK(above.kind == ErrorKind::kLimitReached);
        CHECK(std::get<Refusal>(decide(kTwoLeft, limited, Purchase{9, 9}, 200)).kind ==
              ErrorKind::kClosed);
    }
}

TEST_CASE("what is closed by its window cannot be paused") {
    const Rules rules{SaleState::kOpen, {100, 200}};
    CHECK(std::get<Rules>(decide(rules, Pause{}, 199)).state == SaleState::kPaused);
    CHECK(std::get<ErrorKind>(decide(rules, Pause{}, 200)) == ErrorKind::kWrongState);
}

TEST_CASE("when the door will be another by itself") {
    using Time = std::optional<std::int64_t>;
    const Rules rules{SaleState::kOpen, {100, 200}};
    CHECK(next_door_ms(rules, 99) == Time{100});
    CHECK(next_door_ms(rules, 100) == Time{200});
    CHECK(next_door_ms(rules, 200) == Time{});
    CHECK(next_door_ms({SaleState::kPaused, {100, 200}}, 50) == Time{200});
    CHECK(next_door_ms({SaleState::kClosed, {100, 200}}, 50) == Time{});
    CHECK(next_door_ms({}, 50) == Time{});
}

TEST_CASE("what is not for sale now is refused whatever there is") {
    const Rules rules{SaleState::kOpen, {100, 200}};
    const auto early = std::get<Refusal>(decide(kTwoLeft, rules, Purchase{1, 1}, 40));
    CHECK(early.kind == ErrorKind::kNotOpen);
    CHECK(early.opens_ms == 100);
    CHECK(early.wait_ms == 60);
    CHECK(std::get<Sale>(decide(kTwoLeft, rules, Purchase{1, 1}, 100)).granted == 1);
    const auto late = std::get<Refusal>(decide(kTwoLeft, rules, Purchase{1, 1}, 200));
    CHECK(late.kind == ErrorKind::kClosed);
    CHECK(late.available == 2);
}

TEST_CASE("pause, resume and close lead from every state where they should") {
    using enum SaleState;
    CHECK(leads_to(kOpen, Pause{}, kPaused));
    CHECK(leads_to(kPaused, Pause{}, kPaused));
    CHECK(changed_by(kClosed, Pause{}) == std::variant<Rules, ErrorKind>{ErrorKind::kWrongState});
    for (const auto from : {kOpen, kPaused, kClosed}) {
        CHECK(leads_to(from, Resume{}, kOpen));
        CHECK(leads_to(from, Close{}, kClosed));
    }
}

TEST_CASE("of a window what is not given stays, and it must have a length") {
    const auto window = [](std::optional<std::int64_t> opens, std::optional<std::int64_t> closes) {
        return changed_by(SaleState::kPaused, Update{opens, closes});
    };
    using Outcome = std::variant<Rules, ErrorKind>;
    CHECK(window(50, {}) == Outcome{Rules{SaleState::kPaused, {50, 200}}});
    CHECK(window({}, 300) == Outcome{Rules{SaleState::kPaused, {100, 300}}});
    CHECK(window(0, 0) == Outcome{Rules{SaleState::kPaused, {0, 0}}});
    CHECK(window(300, 0) == Outcome{Rules{SaleState::kPaused, {300, 0}}});
    CHECK(window(200, {}) == Outcome{ErrorKind::kInvalidParams});
    CHECK(window({}, 100) == Outcome{ErrorKind::kInvalidParams});
    CHECK(window(-1, {}) == Outcome{ErrorKind::kInvalidParams});
}
