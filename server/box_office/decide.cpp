#include "server/box_office/decide.h"

#include <algorithm>

#include "common/check.h"
#include "common/limits.h"

namespace ticketd::box_office {
namespace {

Refusal refuse(ErrorKind kind, const Stock& stock, std::uint64_t requested) {
    Refusal refusal;
    refusal.kind = kind;
    refusal.requested = requested;
    refusal.available = stock.available();
    refusal.held = stock.held;
    refusal.capacity = stock.capacity;
    refusal.committed = stock.committed();
    return refusal;
}

// What is committed beyond the capacity after some of it was freed, or the capacity was set.
Stock settled(Stock stock) {
    stock.overcommit = stock.committed() - std::min(stock.committed(), stock.capacity);
    TICKETD_CHECK(is_sound(stock));
    return stock;
}

// The most that the event's limits let this buyer have in this order, or which of them says no.
std::variant<std::uint64_t, Refusal> most_by_limits(const Stock& stock, const Terms& terms,
                                                    const Purchase& purchase) {
    auto most = purchase.quantity;
    auto refusal = refuse(ErrorKind::kLimitReached, stock, purchase.min_quantity);
    if (terms.order_limit != 0) {
        refusal.limit = terms.order_limit;
        refusal.limit_of = Limit::kOrder;
        most = std::min<std::uint64_t>(most, terms.order_limit);
        if (purchase.min_quantity > most) return refusal;
    }
    if (terms.buyer_limit != 0) {
        refusal.limit = terms.buyer_limit;
        refusal.limit_of = Limit::kBuyer;
        refusal.owned = purchase.owned;
        most = std::min(most, refusal.limit - std::min(refusal.limit, purchase.owned));
        if (purchase.min_quantity > most) return refusal;
    }
    return most;
}

// How many tickets the buyer gets, or why none. What will not pass is said first.
std::variant<std::uint64_t, Refusal> grant(const Stock& stock, const Rules& rules,
                                           const Purchase& terms, std::int64_t now_ms) {
    TICKETD_CHECK(is_sound(stock) && is_sound(rules));
    TICKETD_CHECK(terms.min_quantity >= 1 && terms.min_quantity <= terms.quantity);
    const auto door = closed_door(rules, now_ms);
    if (door == ErrorKind::kClosed) return refuse(*door, stock, terms.min_quantity);
    const auto most = most_by_limits(stock, rules.terms, terms);
    if (std::holds_alternative<Refusal>(most)) return most;
    if (terms.min_quantity > stock.capacity) {
        return refuse(ErrorKind::kNeverSatisfiable, stock, terms.min_quantity);
    }
    if (door) {
        auto refusal = refuse(*door, stock, terms.min_quantity);
        if (door == ErrorKind::kNotOpen) {
            refusal.opens_ms = rules.window.opens_ms;
            refusal.wait_ms = refusal.opens_ms - now_ms;
        }
        return refusal;
    }
    if (stock.available() < terms.min_quantity) {
        return refuse(shortage(stock), stock, terms.min_quantity);
    }
    return std::min(std::get<std::uint64_t>(most), stock.available());
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
    const auto there_is = stock.capacity + stock.overcommit;
    return there_is >= stock.capacity && stock.held <= there_is &&
           stock.sold <= there_is - stock.held && stock.next_serial > stock.sold &&
           (stock.overcommit == 0 || stock.available() == 0);
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
    Sale sale{stock, quantity, stock.next_serial};
    sale.after.held -= held;
    sale.after.sold += quantity;
    sale.after.next_serial += quantity;
    sale.after = settled(sale.after);
    return sale;
}

ErrorKind shortage(const Stock& stock) {
    if (stock.available() > 0) return ErrorKind::kInsufficient;
    return stock.may_return() > 0 ? ErrorKind::kHeldOut : ErrorKind::kSoldOut;
}

std::optional<Refusal> hopeless(const Stock& stock, const Rules& rules, const Purchase& purchase,
                                std::int64_t now_ms) {
    const auto granted = grant(stock, rules, purchase, now_ms);
    const auto* refusal = std::get_if<Refusal>(&granted);
    if (refusal == nullptr || may_pass(refusal->kind)) return std::nullopt;
    return *refusal;
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
    return settled(after);
}

Stock take_back(const Stock& stock, std::uint64_t sold, bool restocks) {
    TICKETD_CHECK(is_sound(stock) && sold >= 1 && sold <= stock.sold);
    auto after = stock;
    after.sold -= sold;
    // What pays for an overcommit is no part of the capacity.
    if (!restocks) after.capacity -= sold - std::min(sold, stock.overcommit);
    return settled(after);
}

std::variant<Cancelled, Refusal> decide(const Stock& stock, const TicketNumbers& tickets,
                                        const Cancel& cancel) {
    auto refusal = refuse(ErrorKind::kWrongState, stock, cancel.quantity);
    refusal.held = tickets.size();
    if (tickets.empty() || !has_all(tickets, cancel.numbers)) return refusal;
    if (cancel.quantity > tickets.size()) {
        refusal.kind = ErrorKind::kInvalidParams;
        return refusal;
    }
    auto returned = cancel.numbers;
    if (returned.empty()) {
        const auto count = cancel.quantity == 0 ? tickets.size() : cancel.quantity;
        returned.assign(tickets.end() - static_cast<std::ptrdiff_t>(count), tickets.end());
    }
    auto kept = without(tickets, returned);
    return Cancelled{take_back(stock, returned.size(), cancel.restocks), std::move(returned),
                     std::move(kept)};
}

std::variant<Stock, Refusal> decide(const Stock& stock, const Terms& terms, const Resize& resize) {
    TICKETD_CHECK(is_sound(stock));
    if (resize.if_lsn && *resize.if_lsn != stock.lsn) {
        return refuse(ErrorKind::kStaleLsn, stock, resize.capacity);
    }
    // Both are at most 10^12, so their sum is far from the end of any range.
    const auto wanted = resize.delta ? static_cast<std::int64_t>(stock.capacity) + *resize.delta
                                     : static_cast<std::int64_t>(resize.capacity);
    const auto capacity = wanted < 0 ? 0 : static_cast<std::uint64_t>(wanted);
    const bool is_too_few = capacity < stock.committed() && capacity != stock.capacity;
    if (wanted < 0 || (is_too_few && !resize.is_forced)) {
        return refuse(ErrorKind::kCapacityBelowCommitted, stock, capacity);
    }
    if (capacity > most_capacity(terms)) {
        auto refusal = refuse(ErrorKind::kLimitReached, stock, capacity);
        refusal.limit = most_capacity(terms);
        refusal.limit_of = Limit::kCapacity;
        return refusal;
    }
    Stock after = stock;
    after.capacity = capacity;
    return settled(after);
}

}  // namespace ticketd::box_office
