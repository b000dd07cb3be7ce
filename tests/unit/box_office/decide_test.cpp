#include "server/box_office/decide.h"

#include <doctest/doctest.h>

#include <random>
#include <set>

#include "common/limits.h"
#include "tests/support/randomness.h"

using namespace ticketd;
using namespace ticketd::box_office;

namespace {

Stock stock_of(std::uint64_t capacity, std::uint64_t sold, std::uint64_t held = 0) {
    return {capacity, held, sold, sold + 1, 1};
}

// From an event that is open.
std::variant<Sale, Refusal> sell(const Stock& stock, const Purchase& purchase) {
    return decide(stock, Rules{}, purchase, 0);
}

ErrorKind refusal_of(const Stock& stock, const Purchase& purchase) {
    const auto decision = sell(stock, purchase);
    REQUIRE(std::holds_alternative<Refusal>(decision));
    return std::get<Refusal>(decision).kind;
}

ErrorKind resize_refusal(const Stock& stock, const Resize& resize) {
    const auto decision = decide(stock, Terms{}, resize);
    REQUIRE(std::holds_alternative<Refusal>(decision));
    return std::get<Refusal>(decision).kind;
}

}  // namespace

TEST_CASE("a purchase takes the next serials and leaves the rest") {
    const auto decision = sell(stock_of(10, 3), Purchase{2, 2});
    const auto& sale = std::get<Sale>(decision);
    CHECK(sale.granted == 2);
    CHECK(sale.first_serial == 4);
    CHECK(sale.after.sold == 5);
    CHECK(sale.after.next_serial == 6);
    CHECK(sale.after.available() == 5);
}

TEST_CASE("a purchase is refused for the reason that is true") {
    CHECK(refusal_of(stock_of(2, 2), {1, 1}) == ErrorKind::kSoldOut);
    CHECK(refusal_of(stock_of(2, 1), {2, 2}) == ErrorKind::kInsufficient);
    CHECK(refusal_of(stock_of(2, 0), {3, 3}) == ErrorKind::kNeverSatisfiable);
    CHECK(refusal_of(stock_of(0, 0), {1, 1}) == ErrorKind::kNeverSatisfiable);
    CHECK(refusal_of(stock_of(2, 1, 1), {1, 1}) == ErrorKind::kHeldOut);
    CHECK(refusal_of(stock_of(5, 3, 1), {2, 2}) == ErrorKind::kInsufficient);
}

TEST_CASE("quantities around what is left are exact") {
    for (std::uint64_t quantity = 1; quantity <= 5; ++quantity) {
        const auto decision = sell(stock_of(10, 6), Purchase{quantity, quantity});
        CHECK(std::holds_alternative<Sale>(decision) == (quantity <= 4));
    }
}

TEST_CASE("a part is sold only to those who take one") {
    const auto decision = sell(stock_of(10, 6), Purchase{9, 4});
    CHECK(std::get<Sale>(decision).granted == 4);
    CHECK(refusal_of(stock_of(10, 6), {9, 5}) == ErrorKind::kInsufficient);
}

TEST_CASE("the largest event sells its last ticket without wrapping") {
    const auto full = stock_of(limits::kCapacity, limits::kCapacity - 1);
    const auto decision = sell(full, Purchase{limits::kQuantity, 1});
    CHECK(std::get<Sale>(decision).granted == 1);
    CHECK(std::get<Sale>(decision).after.available() == 0);
}

TEST_CASE("a resize keeps what is committed") {
    CHECK(std::get<Stock>(decide(stock_of(10, 4, 2), Terms{}, Resize{6})).available() == 0);
    CHECK(std::get<Stock>(decide(stock_of(10, 4, 2), Terms{}, Resize{0, 5})).capacity == 15);
    CHECK(std::get<Stock>(decide(stock_of(10, 4, 2), Terms{}, Resize{0, -4})).capacity == 6);
    CHECK(resize_refusal(stock_of(10, 4, 2), Resize{0, -5}) == ErrorKind::kCapacityBelowCommitted);
    CHECK(resize_refusal(stock_of(10, 0), Resize{0, -11}) == ErrorKind::kCapacityBelowCommitted);
    const Stock all{limits::kCapacity, 0, 0, 1, 1};
    CHECK(resize_refusal(all, Resize{0, 1}) == ErrorKind::kLimitReached);
    CHECK(std::get<Stock>(
              decide(all, Terms{}, Resize{0, -static_cast<std::int64_t>(limits::kCapacity)}))
              .capacity == 0);
    CHECK(resize_refusal(stock_of(10, 4, 2), Resize{20, {}, 2}) == ErrorKind::kStaleLsn);
    CHECK(std::get<Stock>(decide(stock_of(10, 4, 2), Terms{}, Resize{20, {}, 1})).capacity == 20);
    const auto refused = std::get<Refusal>(decide(stock_of(10, 4, 2), Terms{}, Resize{5}));
    CHECK(refused.kind == ErrorKind::kCapacityBelowCommitted);
    CHECK(refused.committed == 6);
}

TEST_CASE("counts that cannot be are not sound") {
    CHECK(is_sound(stock_of(3, 2, 1)));
    CHECK_FALSE(is_sound(stock_of(3, 3, 1)));
    CHECK_FALSE(is_sound({3, 0, 2, 2, 1}));
    CHECK_FALSE(is_sound({UINT64_MAX, UINT64_MAX, 2, 9, 1}));
}

// The model: a bag of serials that were never handed out, and a set of those that were.
TEST_CASE("random purchases and resizes agree with a bag of tickets") {
    const auto start = static_cast<std::uint32_t>(testing::test_seed());
    CAPTURE(start);
    std::mt19937 random{start};
    for (int round = 0; round < 200; ++round) {
        std::uint64_t capacity = random() % 60;
        Stock stock = stock_of(capacity, 0);
        std::set<std::uint64_t> sold;
        for (int step = 0; step < 100; ++step) {
            if (random() % 5 == 0) {
                const std::uint64_t wanted = random() % 80;
                const auto decision = decide(stock, Terms{}, Resize{wanted});
                REQUIRE(std::holds_alternative<Stock>(decision) == (wanted >= sold.size()));
                if (const auto* after = std::get_if<Stock>(&decision)) {
                    stock = *after;
                    capacity = wanted;
                }
            } else {
                const std::uint64_t quantity = 1 + random() % 6;
                const std::uint64_t least = 1 + random() % quantity;
                const std::uint64_t left = capacity - sold.size();
                const auto decision = sell(stock, Purchase{quantity, least});
                REQUIRE(std::holds_alternative<Sale>(decision) == (left >= least));
                if (const auto* sale = std::get_if<Sale>(&decision)) {
                    CHECK(sale->granted == std::min(quantity, left));
                    for (std::uint64_t i = 0; i < sale->granted; ++i) {
                        REQUIRE(sold.insert(sale->first_serial + i).second);
                    }
                    stock = sale->after;
                }
            }
            REQUIRE(stock.capacity == stock.available() + stock.held + stock.sold);
            REQUIRE(stock.sold == sold.size());
            REQUIRE((sold.empty() || *sold.rbegin() == sold.size()));
        }
    }
}
