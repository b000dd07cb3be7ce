#include "server/box_office/decide.h"

#include <algorithm>

#include "common/check.h"
#include "common/limits.h"

namespace ticketd::box_office {
namespace {

Refusal refuse(ErrorKind kind, const Stock& stock, std::uint64_t requested) {
    return {kind, requested, stock.available(), stock.held, stock.capacity, stock.held + stock.sold,
            0,    0};
}

}  // namespace

bool is_sound(const Stock& stock) {
    return stock.held <= stock.capacity && stock.sold <= stock.capacity - stock.held &&
           stock.next_serial > stock.sold;
}

std::variant<Sale, Refusal> decide(const Stock& stock, const Schedule& schedule,
                                   const Purchase& purchase, std::int64_t now_ms) {
    TICKETD_CHECK(is_sound(stock) && is_sound(schedule));
    TICKETD_CHECK(purchase.min_quantity >= 1 && purchase.min_quantity <= purchase.quantity);
    if (const auto kind = closed_door(schedule, now_ms)) {
        auto refusal = refuse(*kind, stock, purchase.min_quantity);
        if (kind == ErrorKind::kNotOpen) {
            refusal.opens_ms = schedule.window.opens_ms;
            refusal.wait_ms = refusal.opens_ms - now_ms;
        }
        return refusal;
    }
    if (purchase.min_quantity > stock.capacity) {
        return refuse(ErrorKind::kNeverSatisfiable, stock, purchase.min_quantity);
    }
    if (stock.available() < purchase.min_quantity) {
        const auto kind = stock.available() > 0 ? ErrorKind::kInsufficient
                          : stock.held > 0      ? ErrorKind::kHeldOut
                                                : ErrorKind::kSoldOut;
        return refuse(kind, stock, purchase.min_quantity);
    }
    Sale sale{stock, std::min(purchase.quantity, stock.available()), stock.next_serial};
    sale.after.sold += sale.granted;
    sale.after.next_serial += sale.granted;
    TICKETD_CHECK(is_sound(sale.after));
    return sale;
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
