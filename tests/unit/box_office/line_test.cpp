#include "server/box_office/line.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "tests/support/randomness.h"

using namespace ticketd;
using box_office::Line;
using enum box_office::LinePolicy;

TEST_CASE("the first in line is served first, and nobody while there is too little for them") {
    Line line;
    const auto first = line.join(3), second = line.join(1);
    CHECK_FALSE(line.next(0, kStrict));
    CHECK_FALSE(line.next(2, kStrict));
    CHECK(line.blocker(2, kStrict) == first);
    CHECK_FALSE(line.blocker(3, kStrict));
    CHECK_FALSE(line.blocker(2, kFit));
    CHECK(line.next(3, kStrict) == first);
    line.served(first);
    CHECK(line.next(1, kStrict) == second);
    line.leave(second);
    CHECK(line.empty());
    CHECK_FALSE(line.next(9, kStrict));
}

TEST_CASE("where those who fit may pass, nobody is passed more than three times") {
    Line line;
    const auto big = line.join(5);
    for (int i = 0; i < 3; ++i) {
        const auto small = line.join(1);
        CHECK(line.next(4, kFit) == small);
        line.served(small);
    }
    const auto fourth = line.join(1);
    CHECK_FALSE(line.next(4, kFit));
    CHECK(line.next(5, kFit) == big);
    line.served(big);
    CHECK(line.next(4, kFit) == fourth);
}

TEST_CASE("who is away keeps the place, holds up nobody and is passed by nobody") {
    Line line;
    const auto away = line.join(1);
    line.set_present(away, false);
    for (int i = 0; i < 5; ++i) {
        const auto other = line.join(1);
        CHECK(line.next(1, i % 2 == 0 ? kStrict : kFit) == other);
        line.served(other);
    }
    line.set_present(away, true);
    const auto last = line.join(1);
    CHECK(line.next(1, kFit) == away);
    line.served(away);
    CHECK(line.next(1, kStrict) == last);
}

// The model: a list that is gone through from its front for each ticket.
TEST_CASE("random lines serve in the order of arrival, but for those that are passed") {
    struct Person {
        Line::Place place;
        std::uint64_t least;
        unsigned passed = 0;
        bool is_present = true;
    };
    const auto seed = testing::test_seed();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    for (int round = 0; round < 200; ++round) {
        Line line;
        std::vector<Person> people;
        const auto policy = round % 2 == 0 ? kStrict : kFit;
        for (int step = 0; step < 200; ++step) {
            const auto available = random() % 6;
            auto expected = people.end();
            for (auto person = people.begin(); person != people.end(); ++person) {
                if (!person->is_present) continue;
                if (person->least <= available) {
                    expected = person;
                    break;
                }
                if (policy == kStrict || person->passed == 3) break;
            }
            const auto next = line.next(available, policy);
            REQUIRE(next.has_value() == (expected != people.end()));
            if (next) REQUIRE(*next == expected->place);
            switch (random() % 4) {
                case 0: {
                    const auto least = 1 + random() % 6;
                    people.push_back({line.join(least), least});
                    break;
                }
                case 1:
                    if (!next) break;
                    for (auto ahead = people.begin(); ahead != expected; ++ahead)
                        ahead->passed += ahead->is_present ? 1U : 0U;
                    line.served(*next);
                    people.erase(expected);
                    break;
                case 2:
                    if (people.empty()) break;
                    {
                        auto& person = people[random() % people.size()];
                        person.is_present = !person.is_present;
                        line.set_present(person.place, person.is_present);
                    }
                    break;
                default:
                    if (people.empty() || random() % 3 != 0) break;
                    line.leave(people.back().place);
                    people.pop_back();
            }
            REQUIRE(line.size() == people.size());
        }
    }
}
