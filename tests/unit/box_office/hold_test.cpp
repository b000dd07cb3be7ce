#include "server/box_office/hold.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include "common/limits.h"
#include "server/box_office/decide.h"
#include "tests/support/randomness.h"

using namespace ticketd;
using namespace ticketd::box_office;

namespace {

// From an event that is open.
std::variant<Held, Refusal> hold(const Stock& stock, const Purchase& terms) {
    return decide_hold(stock, Rules{}, terms, 0);
}

Hold hold_of(std::int64_t since_ms, std::int64_t expires_ms) {
    return {0, 7, 1, since_ms, since_ms, expires_ms, {}, 1};
}

}  // namespace

TEST_CASE("what is held is neither available nor sold, and has no serials yet") {
    const Stock stock{10, 1, 4, 5, 1};
    const auto held = std::get<Held>(hold(stock, {3, 3}));
    CHECK(held.granted == 3);
    CHECK(held.after == Stock{10, 4, 4, 5, 1});
    CHECK(std::get<Held>(hold(stock, {9, 1})).granted == 5);
    CHECK(std::get<Refusal>(hold(stock, {6, 6})).kind == ErrorKind::kInsufficient);
    CHECK(std::get<Refusal>(hold({5, 5, 0, 1, 1}, {1, 1})).kind == ErrorKind::kHeldOut);
    const Rules paused{SaleState::kPaused, {}};
    CHECK(std::get<Refusal>(decide_hold(stock, paused, {1, 1}, 0)).kind == ErrorKind::kPaused);
}

TEST_CASE("a hold is confirmed whole or in part, and the rest returns in the same step") {
    const Stock stock{10, 5, 2, 3, 1};
    const auto whole = std::get<Sale>(decide(stock, 4, Confirm{}));
    CHECK(whole.granted == 4);
    CHECK(whole.first_serial == 3);
    CHECK(whole.after == Stock{10, 1, 6, 7, 1});
    const auto part = std::get<Sale>(decide(stock, 4, Confirm{1}));
    CHECK(part.after == Stock{10, 1, 3, 4, 1});
    CHECK(std::get<Refusal>(decide(stock, 4, Confirm{5})).kind == ErrorKind::kInvalidParams);
    CHECK(std::get<Refusal>(decide(stock, 4, Confirm{5})).held == 4);
    CHECK(give_back(stock, 4) == Stock{10, 1, 2, 3, 1});
}

TEST_CASE("a hold is extended as often as one likes, and lives for thirty-one days in all") {
    constexpr auto kMost = limits::kHoldMsMax;
    auto hold = hold_of(1000, 1500);
    hold.since_ms = 1400;
    CHECK(extended_end_ms(hold, 10, 1400) == 1410);
    CHECK(extended_end_ms(hold, kMost, 1000) == 1000 + kMost);
    CHECK(extended_end_ms(hold, kMost, 1001) == std::nullopt);
    CHECK(extended_end_ms(hold, 1, 999 + kMost) == 1000 + kMost);
    CHECK(extended_end_ms(hold, 2, 999 + kMost) == std::nullopt);
    hold.expires_ms = 0;
    CHECK(extended_end_ms(hold, kMost, 10 * kMost) == 11 * kMost);
}

TEST_CASE("a clock that was set gives a hold no more time than it was given") {
    const auto hold = hold_of(1000, 1500);
    CHECK(left_ms(hold, 1000) == 500);
    CHECK(left_ms(hold, 1499) == 1);
    CHECK(left_ms(hold, 1500) == 0);
    CHECK(left_ms(hold, 999'999) == 0);
    CHECK(left_ms(hold, 0) == 500);
}

TEST_CASE("a binding names a process exactly when it has to") {
    CHECK(is_sound(Binding{}));
    CHECK(is_sound(Binding{Bind::kConnection, 0, 0}));
    CHECK(is_sound(Binding{Bind::kProcess, 1, 0}));
    CHECK_FALSE(is_sound(Binding{Bind::kProcess, 0, 0}));
    CHECK_FALSE(is_sound(Binding{Bind::kConnection, 1, 0}));
    CHECK_FALSE(is_sound(Binding{Bind::kNothing, 0, 5}));
    CHECK_FALSE(is_sound(Binding{Bind{3}, 1, 5}));
}

// The model: a pile of tickets, and piles that buyers hold or have bought.
TEST_CASE("random holds, purchases and what becomes of them agree with piles of tickets") {
    const auto seed = testing::test_seed();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    for (int round = 0; round < 300; ++round) {
        const std::uint64_t capacity = random() % 40;
        Stock stock{capacity, 0, 0, 1, 1};
        std::vector<std::uint64_t> holds;
        std::set<std::uint64_t> sold;
        std::uint64_t pile = capacity;
        for (int step = 0; step < 100; ++step) {
            const std::uint64_t quantity = 1 + random() % 6, least = 1 + random() % quantity;
            if (random() % 2 == 0) {
                const auto decision = hold(stock, {quantity, least});
                REQUIRE(std::holds_alternative<Held>(decision) ==
                        (pile >= least && capacity >= least));
                if (const auto* held = std::get_if<Held>(&decision)) {
                    CHECK(held->granted == std::min(quantity, pile));
                    holds.push_back(held->granted);
                    pile -= held->granted;
                    stock = held->after;
                }
            } else if (!holds.empty()) {
                const auto which = random() % holds.size();
                const auto held = holds[which];
                const auto wanted = random() % (held + 2);
                if (random() % 2 == 0) {
                    stock = give_back(stock, held);
                    pile += held;
                    holds.erase(holds.begin() + static_cast<std::ptrdiff_t>(which));
                } else {
                    const auto decision = decide(stock, held, Confirm{wanted});
                    REQUIRE(std::holds_alternative<Sale>(decision) == (wanted <= held));
                    if (const auto* sale = std::get_if<Sale>(&decision)) {
                        CHECK(sale->granted == (wanted == 0 ? held : wanted));
                        for (std::uint64_t i = 0; i < sale->granted; ++i)
                            REQUIRE(sold.insert(sale->first_serial + i).second);
                        pile += held - sale->granted;
                        stock = sale->after;
                        holds.erase(holds.begin() + static_cast<std::ptrdiff_t>(which));
                    }
                }
            }
            REQUIRE(stock.available() == pile);
            REQUIRE(stock.sold == sold.size());
            REQUIRE((sold.empty() || *sold.rbegin() == sold.size()));
        }
    }
}
