#include "server/store/requests.h"

#include "server/store/bytes.h"

namespace ticketd::store {
namespace {

void append(std::string& image, EntryType type, std::initializer_list<std::uint64_t> numbers) {
    append_number<std::uint8_t>(image, static_cast<std::uint8_t>(type));
    for (const auto number : numbers)
        append_number<std::uint64_t>(image, number);
}

void append_terms(std::string& image, EntryType type, EventId event, std::uint64_t quantity,
                  std::uint64_t least, const std::string& memo) {
    append(image, type, {event, quantity, least, memo.size()});
    image += memo;
}

std::string hold_image(EventId event, std::uint64_t quantity, std::uint64_t least,
                       const std::string& memo, std::int64_t ttl_ms,
                       const box_office::Binding& binding) {
    std::string image;
    append_terms(image, EntryType::kHeld, event, quantity, least, memo);
    append_number<std::int64_t>(image, ttl_ms);
    append_number<std::uint64_t>(image, stored_bound(binding));
    return image;
}

std::string change_image(EntryType type, Lsn order, std::uint64_t terms) {
    std::string image;
    append(image, type, {order, terms});
    return image;
}

// Of the request that the entry answers; empty for what no request with such an image asks for.
std::string image_of_asked(const Entry& entry) {
    switch (entry.type) {
        case EntryType::kPurchased:
            return image_of(PurchaseRequest{
                0, entry.event, {entry.requested, entry.min_quantity}, "", entry.memo});
        case EntryType::kHeld: {
            const auto ttl = entry.expires_ms == 0 ? 0 : entry.expires_ms - entry.time_ms;
            return hold_image(entry.event, entry.requested, entry.min_quantity, entry.memo, ttl,
                              entry.binding);
        }
        case EntryType::kConfirmed: return change_image(entry.type, entry.order, entry.requested);
        case EntryType::kReleased: return change_image(entry.type, entry.order, 0);
        case EntryType::kExtended:
            return change_image(entry.type, entry.order,
                                static_cast<std::uint64_t>(entry.expires_ms - entry.time_ms));
        default: return {};
    }
}

}  // namespace

std::string image_of(const PurchaseRequest& request) {
    std::string image;
    append_terms(image, EntryType::kPurchased, request.event, request.terms.quantity,
                 request.terms.min_quantity, request.memo);
    return image;
}

std::string image_of(const HoldRequest& request) {
    const auto& order = request.order;
    return hold_image(order.event, order.terms.quantity, order.terms.min_quantity, order.memo,
                      request.ttl_ms, request.binding);
}

std::string image_of(const HoldChangeRequest& request) {
    if (const auto* confirm = std::get_if<box_office::Confirm>(&request.change)) {
        return change_image(EntryType::kConfirmed, request.order, confirm->quantity);
    }
    if (const auto* extend = std::get_if<Extend>(&request.change)) {
        return change_image(EntryType::kExtended, request.order,
                            static_cast<std::uint64_t>(extend->ttl_ms));
    }
    return change_image(EntryType::kReleased, request.order, 0);
}

bool is_answer_to(const Entry& entry, UserId uid, const std::string& key,
                  const std::string& image) {
    return entry.uid == uid && entry.key == key && image_of_asked(entry) == image;
}

}  // namespace ticketd::store
