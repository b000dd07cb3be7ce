#include <doctest/doctest.h>

#include "common/limits.h"
#include "server/box_office/decide.h"

using namespace ticketd;
using namespace ticketd::box_office;

namespace {

const Rules kOpen{};

Stock counts(std::uint64_t capacity, std::uint64_t held, std::uint64_t sold,
             std::uint64_t overcommit = 0) {
    return {capacity, held, sold, sold + 1, 1, overcommit};
}

Stock forced(const Stock& stock, std::uint64_t capacity) {
    Resize resize{capacity};
    resize.is_forced = true;
    return std::get<Stock>(decide(stock, Terms{}, resize));
}

Purchase owned(std::uint64_t has, std::uint64_t quantity, std::uint64_t least) {
    return {quantity, least, has};
}

Cancelled cancelled(const Stock& stock, const TicketNumbers& tickets, const Cancel& cancel) {
    return std::get<Cancelled>(decide(stock, tickets, cancel));
}

ErrorKind cancel_refusal(const Stock& stock, const TicketNumbers& tickets, const Cancel& cancel) {
    return std::get<Refusal>(decide(stock, tickets, cancel)).kind;
}

}  // namespace

TEST_CASE("a cancellation takes back all, the last ones, or those that are named") {
    const auto stock = counts(10, 1, 5);
    const TicketNumbers order{2, 3, 5};
    const auto all = cancelled(stock, order, {});
    CHECK(all.returned == order);
    CHECK(all.kept.empty());
    CHECK(all.after == Stock{10, 1, 2, 6, 1});
    const auto two = cancelled(stock, order, {2});
    CHECK(two.returned == TicketNumbers{3, 5});
    CHECK(two.kept == TicketNumbers{2});
    const auto named = cancelled(stock, order, {0, {3}});
    CHECK(named.returned == TicketNumbers{3});
    CHECK(named.kept == TicketNumbers{2, 5});
    CHECK(named.after.available() == 5);
}

TEST_CASE("what an order has not got cannot be cancelled") {
    const auto stock = counts(10, 1, 5);
    CHECK(cancel_refusal(stock, {2, 3}, {3}) == ErrorKind::kInvalidParams);
    CHECK(cancel_refusal(stock, {2, 3}, {0, {4}}) == ErrorKind::kWrongState);
    CHECK(cancel_refusal(stock, {2, 3}, {0, {2, 4}}) == ErrorKind::kWrongState);
    CHECK(cancel_refusal(stock, {}, {}) == ErrorKind::kWrongState);
}

TEST_CASE("tickets that are not restocked take the capacity with them") {
    const auto after = cancelled(counts(10, 1, 5), {2, 3}, {0, {}, false}).after;
    CHECK(after == Stock{8, 1, 3, 6, 1});
    CHECK(after.available() == 4);
}

TEST_CASE("a forced resize is an overcommit, which buyers see as nothing available") {
    const auto stock = forced(counts(10, 2, 6), 5);
    CHECK(stock == Stock{5, 2, 6, 7, 1, 3});
    CHECK(stock.available() == 0);
    // Of what is held only what does not pay the overcommit may return to the stock.
    const auto kind_of = [](const Stock& of) {
        return std::get<Refusal>(decide(of, kOpen, Purchase{}, 0)).kind;
    };
    CHECK(kind_of(forced(counts(10, 2, 6), 7)) == ErrorKind::kHeldOut);
    CHECK(kind_of(forced(counts(10, 2, 6), 6)) == ErrorKind::kSoldOut);
    CHECK(kind_of(stock) == ErrorKind::kSoldOut);
    CHECK(forced(stock, 9) == Stock{9, 2, 6, 7, 1});
    CHECK(forced(stock, 0).overcommit == 8);
    CHECK(std::get<Refusal>(decide(stock, Terms{}, Resize{7})).committed == 8);
}

TEST_CASE("what returns pays an overcommit first") {
    const auto stock = forced(counts(10, 2, 6), 5);
    CHECK(take_back(stock, 1, true) == Stock{5, 2, 5, 7, 1, 2});
    CHECK(take_back(stock, 4, true) == Stock{5, 2, 2, 7, 1, 0});
    CHECK(take_back(stock, 4, true).available() == 1);
    CHECK(give_back(stock, 2) == Stock{5, 0, 6, 7, 1, 1});
    // Those that are gone for good pay too; only the rest takes capacity.
    CHECK(take_back(stock, 2, false) == Stock{5, 2, 4, 7, 1, 1});
    CHECK(take_back(stock, 5, false) == Stock{3, 2, 1, 7, 1, 0});
    CHECK(take_back(forced(counts(10, 0, 6), 0), 6, false) == Stock{0, 0, 0, 7, 1, 0});
}

TEST_CASE("a hold that is confirmed in an overcommit frees only its rest") {
    const auto stock = forced(counts(10, 5, 3), 5);
    CHECK(std::get<Sale>(decide(stock, 5, Confirm{5})).after == Stock{5, 0, 8, 9, 1, 3});
    CHECK(std::get<Sale>(decide(stock, 5, Confirm{4})).after == Stock{5, 0, 7, 8, 1, 2});
    CHECK(std::get<Sale>(decide(stock, 5, Confirm{1})).after == Stock{5, 0, 4, 5, 1, 0});
}

TEST_CASE("a buyer gets no more than the event has for one, counting what they have") {
    Rules rules;
    rules.terms.buyer_limit = 4;
    const auto stock = counts(10, 0, 2);
    const auto granted = [&](const Purchase& purchase) {
        return std::get<Sale>(decide(stock, rules, purchase, 0)).granted;
    };
    CHECK(granted(owned(0, 4, 4)) == 4);
    CHECK(granted(owned(2, 4, 1)) == 2);
    CHECK(granted(owned(3, 1, 1)) == 1);
    for (const auto& purchase : {owned(0, 5, 5), owned(2, 3, 3), owned(4, 1, 1), owned(9, 1, 1)}) {
        const auto refusal = std::get<Refusal>(decide(stock, rules, purchase, 0));
        CHECK(refusal.kind == ErrorKind::kLimitReached);
        CHECK(refusal.limit == 4);
        CHECK(refusal.owned == purchase.owned);
    }
    rules.terms.order_limit = 2;
    CHECK(granted(owned(0, 4, 1)) == 2);
    const auto refusal = std::get<Refusal>(decide(stock, rules, owned(0, 3, 3), 0));
    CHECK(refusal.limit == 2);
    CHECK_FALSE(refusal.owned);
}

TEST_CASE("numbers are handed out lowest first, and again") {
    Slots slots;
    CHECK(slots.lowest_free(3) == TicketNumbers{1, 2, 3});
    slots.take({1, 2, 3, 5});
    CHECK(slots.lowest_free(2) == TicketNumbers{4, 6});
    slots.give_back({2, 5});
    CHECK(slots.lowest_free(1) == TicketNumbers{2});
    CHECK(slots.taken() == TicketNumbers{1, 3});
    CHECK_FALSE(slots.has_taken({1, 2}));
    Slots same;
    same.take({1, 3});
    CHECK(slots == same);
}

TEST_CASE("an event with slots has no more than can be counted bit by bit") {
    Terms terms;
    terms.reuses_numbers = true;
    const auto stock = counts(10, 0, 0);
    CHECK(std::holds_alternative<Stock>(decide(stock, terms, Resize{limits::kSlots})));
    CHECK(std::get<Refusal>(decide(stock, terms, Resize{limits::kSlots + 1})).kind ==
          ErrorKind::kLimitReached);
}

TEST_CASE("an overcommit with tickets available is not sound") {
    CHECK(is_sound(counts(5, 2, 4, 1)));
    CHECK_FALSE(is_sound(counts(5, 2, 4, 2)));
    CHECK_FALSE(is_sound(counts(5, 2, 4, 0)));
    CHECK_FALSE(is_sound(counts(UINT64_MAX, 2, 4, 7)));
}
