// JSON-RPC 2.0 as the client speaks it: request lines out, replies in (docs/protocol.md). Knows the
// envelope and the errors, not the methods. Nothing here throws or does I/O; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/error_kind.h"

namespace ticketd::client {

/// One request, ended by LF. `params` is the text of a JSON object or array.
std::string request_line(std::uint64_t id, std::string_view method, std::string_view params);

/// A server's no.
struct RpcError {
    std::int64_t code;
    std::string kind;  ///< data.kind; without one the name that goes with the code, else "error"
    std::string message;
    Retry retry;
    std::string data;  ///< the text of `data`, as sent; empty if there was none
};

/// The text of the result, byte for byte as the server wrote it, or its error.
using Answer = std::variant<std::string, RpcError>;

struct Reply {
    std::string id;  ///< as sent: `1`, `"a"`, `null`; empty if there was none
    Answer answer;
};

/// Nothing if `message` is not valid JSON, nests deeper than limits::kReplyDepth, or is not a reply
/// (a notification, for one).
std::optional<Reply> parse_reply(std::string_view message);

/// True for a message from the server that nobody asked for: it has a method and no id.
bool is_notification(std::string_view message);

/// The exit code that a script gets for `error`. A kind that only a newer server knows counts as
/// its code does.
int exit_code_of(const RpcError& error);

}  // namespace ticketd::client
