// What the store can be asked for with an idempotency key, and when two such requests are the same
// one, so that the answer of the first is the answer of the second. Plain values; thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>

#include "server/box_office/decide.h"
#include "server/box_office/hold.h"
#include "server/box_office/line.h"
#include "server/store/entry.h"

namespace ticketd::store {

struct PurchaseRequest {
    UserId uid = 0;
    EventId event = 0;
    box_office::Purchase terms;
    std::string key;  ///< empty: none
    std::string memo;
    std::string buyer = {};  ///< as claimed; empty: the user
};

struct HoldRequest {
    PurchaseRequest order;
    std::int64_t ttl_ms = 0;  ///< how long it lives; 0: without end
    box_office::Binding binding;
};

/// How a request for tickets stands to others who want some.
struct Turn {
    bool is_behind = false;  ///< what is available is for somebody ahead in line
    bool can_wait = false;   ///< a no that may pass is not told yet, and so not remembered
};

struct Release {};
struct Extend {
    std::int64_t ttl_ms = 0;  ///< from now on
};
using HoldChange = std::variant<box_office::Confirm, Release, Extend>;

struct HoldChangeRequest {
    UserId uid = 0;            ///< who asks
    bool is_operator = false;  ///< may change others' holds
    Lsn order = 0;
    HoldChange change;
    std::string key;  ///< empty: none
};

struct CancelRequest {
    UserId uid = 0;            ///< who asks
    bool is_operator = false;  ///< may cancel others' orders
    Lsn order = 0;
    box_office::Cancel terms;
    std::string key;  ///< empty: none
    std::string reason;
};

/// A request for tickets: what can wait in line.
using OrderRequest = std::variant<PurchaseRequest, HoldRequest>;
/// What can be part of an atomic batch.
using BatchRequest = std::variant<PurchaseRequest, HoldRequest, HoldChangeRequest>;
/// The lines of events, where somebody waits.
using Lines = std::map<EventId, box_office::Line>;

inline EventId event_of(const PurchaseRequest& request) {
    return request.event;
}
inline EventId event_of(const HoldRequest& request) {
    return request.order.event;
}
/// Of a request for tickets; null for a change of a hold.
inline const PurchaseRequest* order_of(const PurchaseRequest& request) {
    return &request;
}
inline const PurchaseRequest* order_of(const HoldRequest& request) {
    return &request.order;
}
inline const PurchaseRequest* order_of(const HoldChangeRequest&) {
    return nullptr;
}
inline UserId uid_of(const PurchaseRequest& request) {
    return request.uid;
}
inline UserId uid_of(const HoldRequest& request) {
    return request.order.uid;
}
inline UserId uid_of(const HoldChangeRequest& request) {
    return request.uid;
}
inline UserId uid_of(const CancelRequest& request) {
    return request.uid;
}
inline const std::string& key_of(const PurchaseRequest& request) {
    return request.key;
}
inline const std::string& key_of(const HoldRequest& request) {
    return request.order.key;
}
inline const std::string& key_of(const HoldChangeRequest& request) {
    return request.key;
}
inline const std::string& key_of(const CancelRequest& request) {
    return request.key;
}

/// Everything that makes it the request it is, but for uid and key.
std::string image_of(const PurchaseRequest& request);
std::string image_of(const HoldRequest& request);
std::string image_of(const HoldChangeRequest& request);
std::string image_of(const CancelRequest& request);

/// The same of whichever it is.
template <typename... Requests>
const PurchaseRequest* order_of(const std::variant<Requests...>& request) {
    return std::visit([](const auto& one) { return order_of(one); }, request);
}
template <typename... Requests>
const std::string& key_of(const std::variant<Requests...>& request) {
    return std::visit([](const auto& one) -> const std::string& { return key_of(one); }, request);
}
template <typename... Requests>
std::string image_of(const std::variant<Requests...>& request) {
    return std::visit([](const auto& one) { return image_of(one); }, request);
}

/// True if `entry` is what was asked for with this key by a request of this image.
bool is_answer_to(const Entry& entry, UserId uid, const std::string& key, const std::string& image);

}  // namespace ticketd::store
