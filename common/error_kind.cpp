#include "common/error_kind.h"

#include <array>
#include <cstddef>

namespace ticketd {
namespace {

// In the order of ErrorKind, which is checked below.
constexpr std::array kTable{
    ErrorKindInfo{ErrorKind::kParseError, -32700, "parse_error", Retry::kNever, 76},
    ErrorKindInfo{ErrorKind::kInvalidRequest, -32600, "invalid_request", Retry::kNever, 76},
    ErrorKindInfo{ErrorKind::kMethodNotFound, -32601, "method_not_found", Retry::kNever, 76},
    ErrorKindInfo{ErrorKind::kInvalidParams, -32602, "invalid_params", Retry::kNever, 65},
    ErrorKindInfo{ErrorKind::kInternal, -32603, "internal", Retry::kSameKey, 70},
    ErrorKindInfo{ErrorKind::kSoldOut, 1001, "sold_out", Retry::kNewKey, 10},
    ErrorKindInfo{ErrorKind::kInsufficient, 1001, "insufficient", Retry::kNewKey, 10},
    ErrorKindInfo{ErrorKind::kNeverSatisfiable, 1001, "never_satisfiable", Retry::kNewKey, 10},
    ErrorKindInfo{ErrorKind::kHeldOut, 1002, "held_out", Retry::kNewKey, 11},
    ErrorKindInfo{ErrorKind::kReservedForLine, 1002, "reserved_for_line", Retry::kNewKey, 11},
    ErrorKindInfo{ErrorKind::kLimitReached, 1003, "limit_reached", Retry::kNever, 12},
    ErrorKindInfo{ErrorKind::kNotOpen, 1004, "not_open", Retry::kNewKey, 13},
    ErrorKindInfo{ErrorKind::kPaused, 1004, "paused", Retry::kNewKey, 13},
    ErrorKindInfo{ErrorKind::kClosed, 1004, "closed", Retry::kNewKey, 13},
    ErrorKindInfo{ErrorKind::kHoldExpired, 1005, "hold_expired", Retry::kNever, 14},
    ErrorKindInfo{ErrorKind::kWrongState, 1005, "wrong_state", Retry::kNever, 14},
    ErrorKindInfo{ErrorKind::kKeyMismatch, 1006, "key_mismatch", Retry::kNever, 15},
    ErrorKindInfo{ErrorKind::kKeyTooOld, 1006, "key_too_old", Retry::kNever, 15},
    ErrorKindInfo{ErrorKind::kKeyAbandoned, 1006, "key_abandoned", Retry::kNever, 15},
    ErrorKindInfo{ErrorKind::kNotFound, 1007, "not_found", Retry::kNever, 16},
    ErrorKindInfo{ErrorKind::kExists, 1008, "exists", Retry::kNever, 17},
    ErrorKindInfo{ErrorKind::kCapacityBelowCommitted, 1008, "capacity_below_committed",
                  Retry::kNever, 17},
    ErrorKindInfo{ErrorKind::kStaleLsn, 1008, "stale_lsn", Retry::kNever, 17},
    ErrorKindInfo{ErrorKind::kLinkedFailed, 1009, "linked_failed", Retry::kNewKey, 18},
    ErrorKindInfo{ErrorKind::kWaitTimeout, 1010, "wait_timeout", Retry::kNewKey, 124},
    ErrorKindInfo{ErrorKind::kBusy, 1011, "busy", Retry::kSameKey, 75},
    ErrorKindInfo{ErrorKind::kDenied, 1012, "denied", Retry::kNever, 77},
    ErrorKindInfo{ErrorKind::kStorageFull, 1013, "storage_full", Retry::kSameKey, 74},
};

constexpr bool table_is_in_order() {
    for (std::size_t i = 0; i < kTable.size(); ++i) {
        if (static_cast<std::size_t>(kTable[i].kind) != i) return false;
    }
    return kTable.size() == static_cast<std::size_t>(ErrorKind::kStorageFull) + 1;
}
static_assert(table_is_in_order());

}  // namespace

const ErrorKindInfo& error_kind_info(ErrorKind kind) {
    return kTable[static_cast<std::size_t>(kind)];
}

std::optional<ErrorKind> find_error_kind(std::string_view name) {
    for (const auto& info : kTable) {
        if (info.name == name) return info.kind;
    }
    return std::nullopt;
}

std::string_view retry_name(Retry retry) {
    switch (retry) {
        case Retry::kNever: return "never";
        case Retry::kNewKey: return "new_key";
        case Retry::kSameKey: return "same_key";
    }
    return "never";
}

}  // namespace ticketd
