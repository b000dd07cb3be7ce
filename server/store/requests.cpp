#include "server/store/requests.h"

#include "server/store/bytes.h"

namespace ticketd::store {
namespace {

void append(std::string& image, EntryType type, std::initializer_list<std::uint64_t> numbers) {
    append_number<std::uint8_t>(image, static_cast<std::uint8_t>(type));
    for (const auto number : numbers)
        append_number<std::uint64_t>(image, number);
}

void append_text(std::string& image, const std::string& text) {
    append_number<std::uint64_t>(image, text.size());
    image += text;
}

std::string purchase_image(EntryType type, const PurchaseRequest& request) {
    std::string image;
    append(image, type, {request.event, request.terms.quantity, request.terms.min_quantity});
    append_text(image, request.memo);
    append_text(image, request.buyer);
    return image;
}

std::string hold_image(const PurchaseRequest& order, std::int64_t ttl_ms,
                       const box_office::Binding& binding) {
    auto image = purchase_image(EntryType::kHeld, order);
    append_number<std::int64_t>(image, ttl_ms);
    append_number<std::uint64_t>(image, stored_bound(binding));
    return image;
}

std::string cancel_image(Lsn order, const box_office::Cancel& cancel, const std::string& reason) {
    std::string image;
    append(image, EntryType::kCancelled, {order, cancel.quantity, cancel.restocks ? 1U : 0U});
    append_text(image, reason);
    // As they were asked for: they may be anything.
    for (const auto number : cancel.numbers)
        append_number<std::uint64_t>(image, number);
    return image;
}

PurchaseRequest asked_for(const Entry& entry) {
    return {0, entry.event, {entry.requested, entry.min_quantity}, "", entry.memo, entry.buyer};
}

std::string change_image(EntryType type, Lsn order, std::uint64_t terms) {
    std::string image;
    append(image, type, {order, terms});
    return image;
}

// Of the request that the entry answers; empty for what no request with such an image asks for.
std::string image_of_asked(const Entry& entry) {
    switch (entry.type) {
        case EntryType::kPurchased: return image_of(asked_for(entry));
        case EntryType::kHeld: {
            const auto ttl = entry.expires_ms == 0 ? 0 : entry.expires_ms - entry.time_ms;
            return hold_image(asked_for(entry), ttl, entry.binding);
        }
        case EntryType::kConfirmed: return change_image(entry.type, entry.order, entry.requested);
        case EntryType::kReleased: return change_image(entry.type, entry.order, 0);
        case EntryType::kExtended:
            return change_image(entry.type, entry.order,
                                static_cast<std::uint64_t>(entry.expires_ms - entry.time_ms));
        case EntryType::kCancelled:
            return cancel_image(entry.order,
                                {entry.requested,
                                 entry.names_tickets ? entry.returned : box_office::TicketNumbers{},
                                 entry.restocks},
                                entry.memo);
        default: return {};
    }
}

}  // namespace

std::string image_of(const PurchaseRequest& request) {
    return purchase_image(EntryType::kPurchased, request);
}

std::string image_of(const HoldRequest& request) {
    return hold_image(request.order, request.ttl_ms, request.binding);
}

std::string image_of(const CancelRequest& request) {
    return cancel_image(request.order, request.terms, request.reason);
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
