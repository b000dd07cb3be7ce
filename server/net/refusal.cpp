#include "server/net/refusal.h"

#include "common/limits.h"

namespace ticketd::net {
namespace {

using Numbers = std::vector<ErrorNumber>;

std::string seconds(std::int64_t ms) {
    return std::to_string((ms + 999) / 1000) + " s";
}

std::string limit_message(const box_office::Refusal& refusal, const std::string& event) {
    using box_office::Limit;
    const auto limit = std::to_string(refusal.limit);
    switch (refusal.limit_of) {
        case Limit::kEvents:
            return "there are " + std::to_string(limits::kEvents) +
                   " events, the most there can be";
        case Limit::kHolds: return "one user can have at most " + limit + " holds";
        case Limit::kHoldLife:
            return "a hold lives for at most " + std::to_string(refusal.limit / 86'400'000) +
                   " days in all, however often it is extended";
        case Limit::kCapacity: return event + " can have at most " + limit + " tickets";
        case Limit::kOrder: return "at most " + limit + " of " + event + " in one order";
        case Limit::kBuyer: break;
    }
    return "one buyer can have at most " + limit + " of " + event + ", and has " +
           std::to_string(refusal.owned.value_or(0));
}

std::string refusal_message(const box_office::Refusal& refusal, std::string_view event) {
    const auto name = std::string{event};
    const auto available = std::to_string(refusal.available);
    switch (refusal.kind) {
        case ErrorKind::kSoldOut: return name + " is sold out";
        case ErrorKind::kHeldOut:
            return "all that is left of " + name + " is held" +
                   (refusal.wait_ms > 0 ? ", some of it for " + seconds(refusal.wait_ms) : "");
        case ErrorKind::kInsufficient: return "only " + available + " of " + name + " available";
        case ErrorKind::kNeverSatisfiable:
            return name + " has a capacity of " + std::to_string(refusal.capacity);
        case ErrorKind::kCapacityBelowCommitted:
            return name + " cannot have fewer tickets than the " +
                   std::to_string(refusal.committed) + " that are held or sold";
        case ErrorKind::kNotOpen: return name + " opens in " + seconds(refusal.wait_ms);
        case ErrorKind::kPaused: return "sales of " + name + " are paused";
        case ErrorKind::kClosed: return "sales of " + name + " are closed";
        case ErrorKind::kWrongState: return name + " is closed";
        case ErrorKind::kInvalidParams:
            if (refusal.requested == 0) return std::string{kNoLength};
            return "quantity is more than the " + std::to_string(refusal.held) +
                   " that the order has";
        case ErrorKind::kNotFound:
            return event.empty() ? "no such order" : "the key was told that there is no such event";
        case ErrorKind::kExists: return "event " + name + " exists";
        case ErrorKind::kStaleLsn: return name + " has changed since";
        case ErrorKind::kReservedForLine:
            return "what is available of " + name + " is for those ahead in line";
        case ErrorKind::kWaitTimeout: return "there was none of " + name + " in time";
        case ErrorKind::kLimitReached: return limit_message(refusal, name);
        case ErrorKind::kLinkedFailed: return "another request of the batch cannot be done";
        case ErrorKind::kKeyAbandoned: return "the key was abandoned";
        case ErrorKind::kKeyMismatch: return "the key was used for another request";
        case ErrorKind::kKeyTooOld: return "the key is older than keys are kept";
        case ErrorKind::kBusy:
            return "the disk is too far behind, or there are as many keys or holds as may be";
        case ErrorKind::kStorageFull: return std::string{kNoSpace};
        default: return "refused";
    }
}

// How many tickets there are, and whose they are.
bool has_counts(const box_office::Refusal& refusal) {
    const auto kind = refusal.kind;
    const auto code = error_kind_info(kind).code;
    return code == 1001 || code == 1002 || kind == ErrorKind::kCapacityBelowCommitted ||
           kind == ErrorKind::kWaitTimeout ||
           (kind == ErrorKind::kLimitReached && refusal.requested > 0);
}

}  // namespace

void refuse(const store::Refused& refused, std::string_view event, const Responder& responder) {
    const auto& refusal = refused.refusal;
    Numbers numbers;
    if (has_counts(refusal)) {
        numbers = {{"requested", refusal.requested},
                   {"available", refusal.available},
                   {"held", refusal.held},
                   {"capacity", refusal.capacity},
                   {"committed", refusal.committed}};
    }
    if (refusal.kind == ErrorKind::kNotOpen) {
        numbers.emplace_back("opens_ms", static_cast<std::uint64_t>(refusal.opens_ms));
    }
    if (refusal.limit > 0) numbers.emplace_back("limit", refusal.limit);
    if (refusal.owned) numbers.emplace_back("owned", *refusal.owned);
    if (refusal.wait_ms > 0) {
        numbers.emplace_back("retry_after_ms", static_cast<std::uint64_t>(refusal.wait_ms));
    }
    if (refused.lsn > 0) numbers.emplace_back("lsn", refused.lsn);
    responder.error(refused.lsn, refusal.kind, refusal_message(refusal, event), numbers);
}

}  // namespace ticketd::net
