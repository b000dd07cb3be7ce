// Which words a request may use as a name, a key or a memo. Thread-safe, no state.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace ticketd {

/// 1 to 64 characters of A-Z a-z 0-9 . _ : -, so that a name needs no quoting in a shell, a log
/// line or a file name.
bool is_event_name(std::string_view text);

/// 1 to 128 printable ASCII characters without blanks.
bool is_key(std::string_view text);

/// When the key was made, in milliseconds since 1970, if it says so: if it is a UUID of version 7
/// (RFC 9562), as ticket-client makes them.
std::optional<std::int64_t> key_time_ms(std::string_view key);

/// 1 to 128 bytes without control characters. The caller has checked that it is UTF-8.
bool is_buyer_name(std::string_view text);

/// At most 256 bytes without control characters. The caller has checked that it is UTF-8.
bool is_memo(std::string_view text);

/// Well-formed UTF-8, which is what JSON strings are made of; file names may be anything else.
bool is_utf8(std::string_view text);

}  // namespace ticketd
