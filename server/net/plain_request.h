// Reads the requests that nearly every client sends, many times as fast as the JSON library does,
// and leaves all others to it: read_request() tries this first.
//
// Plain is a JSON-RPC 2.0 request whose parameters lie on one level, whose texts are printable
// ASCII without escapes, and whose numbers are integers from 0 on with at most 18 digits. This
// reader has no opinion on anything else: what it does not take may be a request all the same, and
// only read_request() can say what is wrong with it. A pure function, thread-safe.
#pragma once

#include <optional>
#include <string_view>

#include "server/net/request.h"

namespace ticketd::net {

/// The request, as read_request() reads it; nothing if it is not plain.
std::optional<Request> read_plain_request(std::string_view text);

}  // namespace ticketd::net
