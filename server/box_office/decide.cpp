#include "server/box_office/decide.h"

#include <algorithm>

#include "common/check.h"
#include "common/limits.h"

namespace ticketd::box_office {
namespace {

Refusal refuse(ErrorKind kind, const Stock& stock, std::uint64_t requested) {
    return {
        kind, requested, stock.available(), stock.held, stock.capacity, stock.held + stock.sold, 0,
        0,    0};
}

// How many tickets the buyer gets, or why none.
std::variant<std::uint64_t, Refusal> grant(const Stock& stock, const Rules& rules,
                                           const Purchase& terms, std::int64_t now_ms) {
    TICKETD_CHECK(is_sound(stock) && is_sound(rules));
    TICKETD_CHECK(terms.min_quantity >= 1 && terms.min_quantity <= terms.quantity);
    if (const auto kind = closed_door(rules, now_ms)) {
        auto refusal = refuse(*kind, stock, terms.min_quantity);
        if (kind == ErrorKind::kNotOpen) {
            refusal.opens_ms = rules.window.opens_ms;
            refusal.wait_ms = refusal.opens_ms - now_ms;
        }
        return refusal;
    }
    const auto limit = rules.terms.order_limit;
    if (limit != 0 && terms.min_quantity > limit) {
        auto refusal = refuse(ErrorKind::kLimitReached, stock, terms.min_quantity);
        refusal.limit = limit;
        return refusal;
    }
    if (terms.min_quantity > stock.capacity) {
        return refuse(ErrorKind::kNeverSatisfiable, stock, terms.min_quantity);
    }
    if (stock.available() < terms.min_quantity) {
        const auto kind = stock.available() > 0 ? ErrorKind::kInsufficient
                          : stock.held > 0      ? ErrorKind::kHeldOut
                                                : ErrorKind::kSoldOut;
        return refuse(kind, stock, terms.min_quantity);
    }
    const auto most = limit == 0 ? terms.quantity : std::min<std::uint64_t>(terms.quantity, limit);
    return std::min(most, stock.available());
}

Sale sell(const Stock& stock, std::uint64_t quantity) {
    Sale sale{stock, quantity, stock.next_serial};
    sale.after.sold += quantity;
    sale.after.next_serial += quantity;
    TICKETD_CHECK(is_sound(sale.after));
    return sale;
}

}  // namespace

bool is_sound(const Stock& stock) {
    return stock.held <= stock.capacity && stock.sold <= stock.capacity - stock.held &&
           stock.next_serial > stock.sold;
}

std::variant<Sale, Refusal> decide(const Stock& stock, const Rules& rules, const Purchase& purchase,
                                   std::int64_t now_ms) {
    const auto granted = grant(stock, rules, purchase, now_ms);
    if (const auto* refusal = std::get_if<Refusal>(&granted)) return *refusal;
    return sell(stock, std::get<std::uint64_t>(granted));
}

std::variant<Held, Refusal> decide_hold(const Stock& stock, const Rules& rules,
                                        const Purchase& terms, std::int64_t now_ms) {
    const auto granted = grant(stock, rules, terms, now_ms);
    if (const auto* refusal = std::get_if<Refusal>(&granted)) return *refusal;
    Held held{stock, std::get<std::uint64_t>(granted)};
    held.after.held += held.granted;
    TICKETD_CHECK(is_sound(held.after));
    return held;
}

std::variant<Sale, Refusal> decide(const Stock& stock, std::uint64_t held, const Confirm& confirm) {
    const auto quantity = confirm.quantity == 0 ? held : confirm.quantity;
    if (quantity > held) {
        auto refusal = refuse(ErrorKind::kInvalidParams, stock, quantity);
        refusal.held = held;
        return refusal;
    }
    return sell(give_back(stock, held), quantity);
}

Refusal reserve_for_line(const Stock& stock, const Purchase& purchase) {
    return refuse(ErrorKind::kReservedForLine, stock, purchase.min_quantity);
}

bool may_pass(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::kSoldOut:
        case ErrorKind::kInsufficient:
        case ErrorKind::kHeldOut:
        case ErrorKind::kReservedForLine:
        case ErrorKind::kNotOpen:
        case ErrorKind::kPaused: return true;
        default: return false;
    }
}

Stock give_back(const Stock& stock, std::uint64_t held) {
    TICKETD_CHECK(is_sound(stock) && held >= 1 && held <= stock.held);
    auto after = stock;
    after.held -= held;
    return after;
}

std::variant<Stock, Refusal> decide(const Stock& stock, const Resize& resize) {
    TICKETD_CHECK(is_sound(stock));
    if (resize.if_lsn && *resize.if_lsn != stock.lsn) {
        return refuse(ErrorKind::kStaleLsn, stock, resize.capacity);
    }
    // Both are at most 10^12, so their sum is far from the end of any range.
    const auto wanted = resize.delta ? static_cast<std::int64_t>(stock.capacity) + *resize.delta
                                     : static_cast<std::int64_t>(resize.capacity);
    const auto capacity = wanted < 0 ? 0 : static_cast<std::uint64_t>(wanted);
    if (wanted < 0 || capacity < stock.held + stock.sold) {
        return refuse(ErrorKind::kCapacityBelowCommitted, stock, capacity);
    }
    if (capacity > limits::kCapacity) return refuse(ErrorKind::kLimitReached, stock, capacity);
    Stock after = stock;
    after.capacity = capacity;
    return after;
}

}  // namespace ticketd::box_office
