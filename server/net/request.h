// Reads one JSON-RPC request out of one JSON value, by SAX into fixed fields: no DOM is built of
// what a stranger sent. It knows the envelope (JSON-RPC 2.0, and 1.0 when "jsonrpc" is missing) and
// collects the parameters; which parameters a method takes is for service.h and params.h.
// Pure functions, thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/error_kind.h"

namespace ticketd::net {

/// What a reply must repeat of its request.
struct Envelope {
    bool is_version_2 = true;
    bool wants_reply = true;  ///< false for a notification
    std::string id = "null";  ///< byte for byte as it was sent
    bool operator==(const Envelope&) const = default;
};

enum class ValueKind : std::uint8_t {
    kNull,
    kBool,
    kInteger,
    kNotInteger,  ///< a number with a fraction or exponent, or beyond 64 bits
    kString,
    kArray,
    kObject,
};

/// A parameter's value.
struct Value {
    ValueKind kind = ValueKind::kNull;
    bool is_negative = false;
    std::uint64_t number = 0;  ///< kInteger: without its sign
    std::string text;          ///< kString; kArray, kObject: their JSON as it was sent
    bool operator==(const Value&) const = default;
};

struct Param {
    std::string name;  ///< empty if by position
    Value value;
    bool operator==(const Param&) const = default;
};

struct Request {
    Envelope envelope;
    std::string method;
    bool by_position = false;
    std::vector<Param> params;
    bool operator==(const Request&) const = default;
};

/// Why a value is not a request. kParseError means it is not even JSON.
struct RequestFault {
    ErrorKind kind = ErrorKind::kInvalidRequest;
    std::string message;
    Envelope envelope;
};

using RequestResult = std::variant<Request, RequestFault>;

/// Reads a single request; `text` must be one JSON value, as MessageScanner cuts them.
/// `depth` is how many levels already surround it: 1 within a batch.
RequestResult read_request(std::string_view text, std::size_t depth = 0);

/// The same for whatever JSON there is, by the JSON library alone (plain_request.h is the short
/// cut).
RequestResult read_any_request(std::string_view text, std::size_t depth = 0);

/// The elements of a batch, or why it cannot be taken.
using BatchResult = std::variant<std::vector<std::string_view>, RequestFault>;
BatchResult split_batch(std::string_view text, std::size_t requests_max);

}  // namespace ticketd::net
