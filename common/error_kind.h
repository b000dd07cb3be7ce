// The errors of the wire contract: one table from kind to JSON-RPC code, retry advice and the exit
// code of ticket-client. Both sides use it, so the contract is written once (docs/protocol.md).
// Pure data; every function is thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace ticketd {

enum class ErrorKind : std::uint8_t {
    kParseError,
    kInvalidRequest,
    kMethodNotFound,
    kInvalidParams,
    kInternal,
    kSoldOut,
    kInsufficient,
    kNeverSatisfiable,
    kHeldOut,
    kReservedForLine,
    kLimitReached,
    kNotOpen,
    kPaused,
    kClosed,
    kHoldExpired,
    kWrongState,
    kKeyMismatch,
    kKeyTooOld,
    kKeyAbandoned,
    kNotFound,
    kExists,
    kCapacityBelowCommitted,
    kStaleLsn,
    kLinkedFailed,
    kWaitTimeout,
    kBusy,
    kDenied,
    kStorageFull,
};

/// What a client may do after an error: nothing, a new try as a new purchase, or the very same
/// request with the same key.
enum class Retry : std::uint8_t { kNever, kNewKey, kSameKey };

struct ErrorKindInfo {
    ErrorKind kind;
    int code;               ///< JSON-RPC error code
    std::string_view name;  ///< `data.kind` on the wire, first word on the client's stderr
    Retry retry;
    int client_exit;  ///< exit code of ticket-client
};

const ErrorKindInfo& error_kind_info(ErrorKind kind);

/// The kind with this wire name, or nothing: a newer server may know kinds that we do not.
std::optional<ErrorKind> find_error_kind(std::string_view name);

std::string_view retry_name(Retry retry);

/// Exit codes of ticket-client that do not come from a server's answer.
namespace client_exit {
inline constexpr int kDone = 0;
inline constexpr int kUsage = 64;
inline constexpr int kBadInput = 65;
inline constexpr int kUnreachable = 69;
inline constexpr int kInternal = 70;
inline constexpr int kStorage = 74;
inline constexpr int kUnknownOutcome = 75;
inline constexpr int kProtocol = 76;
inline constexpr int kDenied = 77;
inline constexpr int kConfiguration = 78;
}  // namespace client_exit

}  // namespace ticketd
